using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Kernel.Tracing;

namespace Snap.Kernel.Injection;

/// <summary>Batches of several threads at the same time: each has a copy of the agent's code, with slots of its own, and a table of its own.</summary>
/// <remarks>
/// One after the other, threads cost two changes of processor each; at once, they run while we start and collect the others. What heals an
/// abandoned thread is the same as in a batch of one thread: <see cref="BorrowedThread"/>. A lane's slots are written while no thread is in
/// it: every round waits for all threads it started, and gives them back, before the next fills the lanes anew.
/// </remarks>
public sealed class ThreadLanes
{
    /// <summary>Threads in one round.</summary>
    public const int Count = 16;

    /// <summary>Calls that one thread can make in a round.</summary>
    public const int MaxCalls = 12;

    // Copies of the code lie on cache lines of their own; none crosses a page.
    private const ulong CodeStride = 640;
    private const int CodesInPage = 6;
    private const int DataStride = 3072;

    internal const ulong CodeLength = (Count + CodesInPage - 1) / CodesInPage * 4096UL;
    internal const ulong DataLength = Count * (ulong)DataStride;

    private readonly InjectionAgent _agent;
    private readonly RemoteBatch[] _batches = new RemoteBatch[Count];
    private readonly BorrowedThread?[] _threads = new BorrowedThread?[Count];
    private readonly byte[] _code = new byte[CodeLength];
    private readonly byte[] _data = new byte[DataLength];

    internal ThreadLanes(InjectionAgent agent)
    {
        _agent = agent;
        for (int lane = 0; lane < Count; lane++)
            _batches[lane] = new RemoteBatch(DataOf(lane), DataStride, MaxCalls);
    }

    /// <summary>Threads in this round so far.</summary>
    public int Used { get; private set; }

    /// <summary>Takes a parked thread into this round; nothing of it is changed before <see cref="Begin"/>.</summary>
    /// <returns>Its lane.</returns>
    /// <exception cref="InvalidOperationException">All lanes are taken.</exception>
    public int Add(Tracee thread)
    {
        if (Used == Count)
            throw new InvalidOperationException($"there are {Count} lanes");
        _threads[Used] = BorrowedThread.Save(thread, _agent.Memory);
        _batches[Used].Clear();
        return Used++;
    }

    /// <summary>The calls of a lane's thread; a thread without calls isn't run.</summary>
    public RemoteBatch Batch(int lane) => _batches[lane];

    /// <summary>Registers of a lane's thread as it was stopped.</summary>
    public user_regs_struct Registers(int lane) => _threads[lane]!.Original;

    /// <summary>Signal mask of a lane's thread as it was stopped.</summary>
    public ulong SignalMask(int lane) => _threads[lane]!.Mask;

    /// <summary>Starts the threads of this round; <see cref="End"/> waits for them.</summary>
    /// <param name="pid">Their process.</param>
    /// <param name="stopSignal">As for <see cref="InjectionAgent.Install"/>.</param>
    /// <exception cref="InvalidOperationException">The agent's data isn't writable yet: <see cref="InjectionSession.PrepareData"/>.</exception>
    public void Begin(int pid, int stopSignal)
    {
        if (!_agent.DataIsWritable)
            throw new InvalidOperationException("the agent's data isn't writable yet");
        if (Used == 0)
            return;
        int codeLength = 0;
        for (int lane = 0; lane < Used; lane++)
        {
            BorrowedThread thread = _threads[lane]!;
            int code = CodeOffset(lane), data = lane * DataStride;
            AgentCode.Code.CopyTo(_code.AsSpan(code));
            AgentCode.WriteSlots(_code.AsSpan(code + AgentCode.SlotsOffset), pid, thread.Tid, stopSignal, thread.Mask, thread.Cured);
            _batches[lane].EntryBytes.CopyTo(_data.AsSpan(data));
            _batches[lane].DataBytes.CopyTo(_data.AsSpan(data + DataOffset(lane)));
            codeLength = code + AgentCode.Length;
        }

        _agent.Memory.WriteForced(_agent.Start + 4096, _code.AsSpan(0, codeLength));
        _agent.Memory.Write(DataOf(0), _data.AsSpan(0, Used * DataStride));
        Fault.Hit(FaultPoint.Inject);
        for (int lane = 0; lane < Used; lane++)
        {
            if (_batches[lane].Count == 0)
                continue;
            user_regs_struct entry = _threads[lane]!.Original;
            entry.rip = (_agent.Start + 4096UL + (ulong)CodeOffset(lane)).Value;
            entry.orig_rax = ulong.MaxValue;
            (entry.rbx, entry.r12, entry.rbp, entry.r13, entry.r14) = (_batches[lane].Area.Value, (ulong)_batches[lane].Count, 0, 0, 0);
            _threads[lane]!.Begin(entry, stopSignal);
        }
    }

    /// <summary>Waits for the threads of this round, fills in their results, and gives them back as they were. The batches stay readable until the next round.</summary>
    /// <exception cref="InjectionException">The target ended.</exception>
    public void End()
    {
        try
        {
            for (int lane = 0; lane < Used; lane++)
            {
                if (_threads[lane]!.IsRunning)
                    _threads[lane]!.End();
            }

            if (Used > 0)
                _agent.Memory.Read(DataOf(0), _data.AsSpan(0, Used * DataStride));
            for (int lane = 0; lane < Used; lane++)
            {
                ReadOnlySpan<byte> read = _data.AsSpan(lane * DataStride, DataStride);
                Span<byte> entries = _batches[lane].EntriesToFill, data = _batches[lane].DataToFill;
                read[..entries.Length].CopyTo(entries);
                read.Slice(DataOffset(lane), data.Length).CopyTo(data);
            }
        }
        finally
        {
            Clear();
        }
    }

    /// <summary>Ends the round without results: threads that run are waited for, and all are given back. Does nothing after <see cref="End"/>.</summary>
    public void Clear()
    {
        // All of them first: no lane is free before its thread has left it.
        for (int lane = 0; lane < Used; lane++)
        {
            try
            {
                if (_threads[lane]!.IsRunning)
                    _threads[lane]!.End();
            }
            catch (InjectionException ended) when (ended.TargetGone)
            {
                // Nothing to give back; the others are tried all the same.
            }
        }

        for (int lane = 0; lane < Used; lane++)
        {
            _threads[lane]!.Dispose();
            _threads[lane] = null;
        }

        Used = 0;
    }

    private static int CodeOffset(int lane) => (lane / CodesInPage * 4096) + (lane % CodesInPage * (int)CodeStride);

    private RemoteAddress DataOf(int lane) => _agent.Start + (InjectionAgent.Length - DataLength) + (ulong)(lane * DataStride);

    private int DataOffset(int lane) => (int)(_batches[lane].DataStart.Value - _batches[lane].Area.Value);
}
