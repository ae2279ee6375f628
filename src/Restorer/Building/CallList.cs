using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Injection;
using Snap.Kernel.Tracing;
using Snap.Restorer.Checks;

namespace Snap.Restorer.Building;

/// <summary>System calls to be made in one thread of a process being built, each with what is to be said if it fails; run when full, or at <see cref="Flush"/>.</summary>
/// <remarks>Every call must succeed. A failure is found at the end of its batch; what came after it did no harm, since the process dies then.</remarks>
internal sealed class CallList(StubAgent agent, Tracee thread, RemoteBatch batch, int pid)
{
    private readonly List<(string What, SyscallNumber Number, long? Expected)> _calls = [];

    public RemoteBatch Batch => batch;

    /// <summary>Makes sure that the coming calls and their data go into one batch.</summary>
    public void Room(int calls, int dataLength = 0)
    {
        if (batch.Count + calls > batch.MaxCalls || batch.DataLeft < dataLength + (16 * calls))
            Flush();
    }

    public int Call(string what, SyscallNumber number, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0, ulong e = 0, ulong f = 0)
    {
        Room(1);
        _calls.Add((what, number, null));
        return batch.Add(number, a, b, c, d, e, f);
    }

    /// <summary>As <see cref="Call"/>; the result must be <paramref name="expected"/>.</summary>
    public void CallFor(long expected, string what, SyscallNumber number, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0, ulong e = 0, ulong f = 0)
    {
        Room(1);
        _calls.Add((what, number, expected));
        batch.Add(number, a, b, c, d, e, f);
    }

    public ulong Put<T>(in T value)
        where T : unmanaged => batch.Put(value).Value;

    public ulong Put(ReadOnlySpan<byte> bytes) => batch.Put(bytes).Value;

    public ulong PutText(string text) => batch.PutText(text).Value;

    /// <summary>Makes the calls.</summary>
    /// <exception cref="SnapException">S0601: one failed.</exception>
    /// <param name="inspect">Looks at the batch's data afterwards.</param>
    public void Flush(Action<RemoteBatch>? inspect = null)
    {
        if (batch.Count > 0)
        {
            agent.Run(thread, batch);
            Check();
            inspect?.Invoke(batch);
        }

        Reset();
    }

    private void Reset()
    {
        batch.Clear();
        _calls.Clear();
    }

    private void Check()
    {
        for (int i = 0; i < _calls.Count; i++)
        {
            var result = batch.Result(i);
            (string what, SyscallNumber number, long? expected) = _calls[i];
            if (number == SyscallNumber.clone3 && result.Errno == Errno.EEXIST)
                throw IdentityCheck.TakenByGroup((int)expected!.Value);
            if (result.IsError)
                throw Failure(pid, what, result.Errno.ToString());
            if (expected is { } value && result.Value != value)
                throw Failure(pid, what, $"the kernel answered {result.Value:x} instead of {value:x}");
        }
    }

    public static SnapException Failure(int pid, string what, string why, Exception? inner = null) =>
        new(ErrorCatalogue.RestoreFailed, $"cannot restore pid {pid}: {what} failed", where: "nothing of it is left running", why: why,
            toDo: "if `snap check` finds nothing missing here, please report this", inner: inner);
}
