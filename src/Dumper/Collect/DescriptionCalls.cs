using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Injection;

namespace Snap.Dumper.Collect;

/// <summary>What only fcntl(2) tells of an open file description: who gets its signals, seals, the size of a pipe.</summary>
/// <remarks>
/// Made inside the target instead of on a duplicate of ours, whose close would flush files of network file systems. Needed for each
/// description, not for each descriptor.
/// </remarks>
internal sealed class DescriptionCalls(OpenDescription description)
{
    /// <summary>Most calls that <see cref="AddCalls"/> adds.</summary>
    public const int MaxCalls = 3;

    /// <summary>Most bytes of data that they need.</summary>
    public const int MaxData = 32;

    private const ulong FIONREAD = 0x541B;

    private RemoteAddress _ownerAt, _unreadAt;
    private int _first;

    /// <summary>Adds the calls.</summary>
    public void AddCalls(RemoteBatch batch)
    {
        ulong fd = (ulong)description.First.Number;
        _ownerAt = batch.Reserve(8);
        _first = batch.Add(SyscallNumber.fcntl, fd, Fcntl.F_GETOWN_EX, _ownerAt.Value);
        batch.Add(SyscallNumber.fcntl, fd, Fcntl.F_GETSIG);
        switch (description.Class)
        {
            case DescriptionClass.Pipe:
                batch.Add(SyscallNumber.fcntl, fd, Fcntl.F_GETPIPE_SZ);
                break;
            case DescriptionClass.Memfd:
                batch.Add(SyscallNumber.fcntl, fd, Fcntl.F_GET_SEALS);
                break;
            case DescriptionClass.External when description.First.CanRead:
                _unreadAt = batch.Reserve(4);
                batch.Add(SyscallNumber.ioctl, fd, FIONREAD, _unreadAt.Value);
                break;
            default:
                break;
        }
    }

    /// <summary>Takes the results.</summary>
    public void TakeResults(RemoteBatch batch)
    {
        int fd = description.First.Number;
        batch.Result(_first).OrThrow("fcntl(F_GETOWN_EX) of descriptor", fd);
        f_owner_ex owner = batch.Data<f_owner_ex>(_ownerAt);
        (description.OwnerPid, description.OwnerType) = owner.pid == 0 ? (0, 0) : (owner.pid, owner.type);
        description.OwnerSignal = (int)batch.Result(_first + 1).OrThrow("fcntl(F_GETSIG) of descriptor", fd);
        description.Extra = description.Class switch
        {
            DescriptionClass.Pipe or DescriptionClass.Memfd => (int)batch.Result(_first + 2).OrThrow("fcntl of descriptor", fd),
            // A terminal that hung up doesn't answer: then there is nothing to read.
            DescriptionClass.External when description.First.CanRead && !batch.Result(_first + 2).IsError => batch.Data<int>(_unreadAt),
            _ => 0,
        };
    }
}
