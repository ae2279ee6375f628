using System.Runtime.InteropServices;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;

namespace Snap.Restorer.Building;

/// <summary>User, groups, capabilities: of each thread, since the kernel keeps them so.</summary>
/// <param name="wanted">What the process had.</param>
/// <param name="current">What the stub has, and every thread that was cloned from it.</param>
internal sealed class CredentialCalls(CredentialsImage wanted, ProcStatus current)
{
    private const int CapSetpcap = 8;

    private bool AreSame => wanted.UserIds.SequenceEqual([current.Uid.Real, current.Uid.Effective, current.Uid.Saved, current.Uid.FileSystem])
        && wanted.GroupIds.SequenceEqual([current.Gid.Real, current.Gid.Effective, current.Gid.Saved, current.Gid.FileSystem])
        && wanted.Groups.Order().SequenceEqual(current.Groups.Order())
        && wanted.InheritableCapabilities == current.InheritableCapabilities && wanted.PermittedCapabilities == current.PermittedCapabilities
        && wanted.EffectiveCapabilities == current.EffectiveCapabilities && wanted.BoundingCapabilities == current.BoundingCapabilities
        && wanted.AmbientCapabilities == current.AmbientCapabilities;

    /// <summary>
    /// Groups; users, with SECBIT_NO_SETUID_FIXUP so that the capabilities survive; inheritable, which needs the full bounding set; ambient, which
    /// needs inheritable and permitted; bounding; securebits, which may forbid the steps before; permitted and effective, with which the power ends.
    /// </summary>
    public void Add(CallList calls)
    {
        bool maySetBits = (current.EffectiveCapabilities >> CapSetpcap & 1) != 0;
        if (!AreSame)
        {
            SetGroups(calls);
            SetUsers(calls);
            SetCapabilities(calls, wanted.InheritableCapabilities, current.PermittedCapabilities, current.PermittedCapabilities);
            calls.Call("clearing ambient capabilities", SyscallNumber.prctl, Prctl.PR_CAP_AMBIENT, Prctl.PR_CAP_AMBIENT_CLEAR_ALL);
            foreach (ulong capability in Bits(wanted.AmbientCapabilities))
                calls.Call("raising an ambient capability", SyscallNumber.prctl, Prctl.PR_CAP_AMBIENT, Prctl.PR_CAP_AMBIENT_RAISE, capability);
            foreach (ulong capability in Bits(current.BoundingCapabilities & ~wanted.BoundingCapabilities))
                calls.Call("dropping a bounding capability", SyscallNumber.prctl, Prctl.PR_CAPBSET_DROP, capability);
        }

        if (maySetBits)
            calls.Call("setting securebits", SyscallNumber.prctl, Prctl.PR_SET_SECUREBITS, (ulong)wanted.SecureBits);
        if (!AreSame)
            SetCapabilities(calls, wanted.InheritableCapabilities, wanted.PermittedCapabilities, wanted.EffectiveCapabilities);
        if (wanted.NoNewPrivileges)
            calls.Call("setting no_new_privs", SyscallNumber.prctl, Prctl.PR_SET_NO_NEW_PRIVS, 1);
    }

    private void SetGroups(CallList calls)
    {
        uint[] groups = [.. wanted.Groups];
        calls.Room(4, (groups.Length * sizeof(uint)) + 16);
        calls.Call("setting groups", SyscallNumber.setgroups, (ulong)groups.Length, calls.Put(MemoryMarshal.AsBytes<uint>(groups)));
        calls.Call("setting group ids", SyscallNumber.setresgid, wanted.GroupIds[0], wanted.GroupIds[1], wanted.GroupIds[2]);
        calls.Call("setting the file system's group id", SyscallNumber.setfsgid, wanted.GroupIds[3]);
        // Never fails, but tells what it is.
        calls.CallFor(wanted.GroupIds[3], "setting the file system's group id", SyscallNumber.setfsgid, uint.MaxValue);
    }

    private void SetUsers(CallList calls)
    {
        if ((current.EffectiveCapabilities >> CapSetpcap & 1) != 0)
            calls.Call("setting securebits", SyscallNumber.prctl, Prctl.PR_SET_SECUREBITS, Prctl.SECBIT_NO_SETUID_FIXUP);
        calls.Call("setting user ids", SyscallNumber.setresuid, wanted.UserIds[0], wanted.UserIds[1], wanted.UserIds[2]);
        calls.Call("setting the file system's user id", SyscallNumber.setfsuid, wanted.UserIds[3]);
        calls.CallFor(wanted.UserIds[3], "setting the file system's user id", SyscallNumber.setfsuid, uint.MaxValue);
    }

    // struct __user_cap_data_struct[2]: effective, permitted, inheritable of the low 32 bits, then of the high ones.
    private static void SetCapabilities(CallList calls, ulong inheritable, ulong permitted, ulong effective)
    {
        calls.Room(1, 64);
        ulong header = calls.Put(new user_cap_header { version = Prctl._LINUX_CAPABILITY_VERSION_3 });
        uint[] data =
        [
            (uint)effective, (uint)permitted, (uint)inheritable,
            (uint)(effective >> 32), (uint)(permitted >> 32), (uint)(inheritable >> 32),
        ];
        calls.Call("setting capabilities", SyscallNumber.capset, header, calls.Put(MemoryMarshal.AsBytes<uint>(data)));
    }

    private static IEnumerable<ulong> Bits(ulong mask) => Enumerable.Range(0, 64).Where(bit => (mask >> bit & 1) != 0).Select(bit => (ulong)bit);
}
