using Snap.Kernel.Abi;
using Snap.Kernel.Memory;

namespace Snap.Kernel.Tracing;

/// <summary>What the kernel would do to a thread stopped inside a restartable sequence, done by us before its rip is moved.</summary>
/// <remarks>
/// rseq(2): a thread that is interrupted inside a critical section must go on at its abort handler. The kernel looks at rip when it resumes
/// the thread; when we have put our own rip there, it sees nothing to abort, and the section would go on later as if never interrupted.
/// struct rseq: cpu_id_start u32, cpu_id u32, rseq_cs u64 at 8. struct rseq_cs: version u32, flags u32, start_ip u64 at 8, post_commit_offset u64, abort_ip u64.
/// </remarks>
public static class RestartableSequence
{
    /// <summary>Moves <paramref name="registers"/> to the abort handler if they lie inside the thread's critical section.</summary>
    /// <returns>True if they did.</returns>
    public static bool AbortIfInside(ref user_regs_struct registers, ptrace_rseq_configuration? configuration, RemoteMemory memory)
    {
        if (configuration is not { rseq_abi_pointer: not 0 } known)
            return false;
        ulong section = memory.Read<ulong>(new RemoteAddress(known.rseq_abi_pointer + 8));
        if (section == 0)
            return false;
        ulong start = memory.Read<ulong>(new RemoteAddress(section + 8));
        ulong length = memory.Read<ulong>(new RemoteAddress(section + 16));
        if (registers.rip - start >= length)
            return false;
        registers.rip = memory.Read<ulong>(new RemoteAddress(section + 24));
        return true;
    }
}
