using System.Globalization;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Testing;

/// <summary>A process that a test snapshots, kills and goes on with when it was restored; it works in a directory of its own.</summary>
/// <remarks>
/// Its stdin, stdout and stderr are /dev/null, so nothing of it leads outside. Disposing kills the process (the one that was started or adopted
/// last) with all its descendants, and removes the directory.
/// </remarks>
public abstract class TargetProcess : IDisposable
{
    private readonly string _program;
    private ChildProcess? _child;
    private ProcessHandle? _handle;

    /// <summary>Starts it.</summary>
    /// <param name="program">Path, or a name that is looked for in PATH.</param>
    /// <param name="arguments">Each <c>{dir}</c> in them is replaced by the target's directory.</param>
    /// <param name="environment">Variables to set or (null) to remove.</param>
    protected TargetProcess(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null)
    {
        _program = Path.GetFileName(program);
        using FileDescriptor nothing = FileDescriptor.Open("/dev/null", Fcntl.O_RDWR);
        _child = ChildProcess.Start(new SpawnOptions
        {
            Program = program,
            Arguments = [.. arguments.Select(text => text.Replace("{dir}", Directory.Path, StringComparison.Ordinal))],
            Environment = environment ?? new Dictionary<string, string?>(),
            WorkingDirectory = "/",
            NewSession = true,
            CloseOthers = true,
            Descriptors = new Dictionary<int, FileDescriptor> { [0] = nothing, [1] = nothing, [2] = nothing },
        });
        Pid = _child.Pid;
        _handle = ProcessHandle.OpenOrGone(Pid);
    }

    /// <summary>Its pid; a restored one has the same.</summary>
    public int Pid { get; private set; }

    /// <summary>Its directory; the test may keep its own files there.</summary>
    public TemporaryDirectory Directory { get; } = new();

    /// <summary>True while it runs.</summary>
    public bool IsAlive => _handle is { HasExited: false };

    /// <summary>SIGKILL to it and all its descendants, and waits until their pids are free again.</summary>
    public void Kill()
    {
        List<int> others = KillOthers();
        Signal(Kernel.Abi.Signal.SIGKILL);
        WaitForEnd();
        // A child that was made just then is in the session still.
        Patience.Until(() => KillSession() == 0, () => $"the session of {this} to end");
        foreach (int pid in others)
            Patience.Until(() => TaskFiles.OfProcess(pid).ReadStat() is null, () => $"{pid}, a descendant of {this}, to be reaped");
    }

    /// <summary>Sends a signal, if it still runs.</summary>
    public void Signal(int signal) => _handle?.TrySignal(signal);

    /// <summary>Waits until it has ended and its pid is free.</summary>
    /// <returns>How it ended; null if it isn't our child, so that only its own parent knows.</returns>
    public WaitStatus? WaitForEnd()
    {
        ProcessHandle handle = _handle ?? throw new InvalidOperationException("not started");
        if (!handle.WaitForExit((int)Patience.Limit.TotalMilliseconds))
            throw new TimeoutException($"{this} does not end");
        WaitStatus? ended = _child?.Wait();
        _child = null;
        Patience.Until(IsReaped, () => $"the parent of {this} to reap it");
        return ended;
    }

    /// <summary>Goes on with a restored process, which the restorer made.</summary>
    /// <param name="pid">Its pid.</param>
    /// <param name="child">If it is a child of ours that we have to reap.</param>
    public void Adopt(int pid, ChildProcess? child = null)
    {
        _handle?.Dispose();
        Pid = pid;
        _child = child;
        _handle = ProcessHandle.OpenOrGone(pid) ?? throw new InvalidOperationException($"there is no process {pid}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        bool isAlive = IsAlive;
        KillOthers();
        Signal(Kernel.Abi.Signal.SIGKILL);
        _child?.Wait();
        if (isAlive)
            KillSession();
        _handle?.Dispose();
        Directory.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>For messages: <c>counter (pid 4711)</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{_program} (pid {Pid})");

    /// <summary>For messages: <c>: exited with 3</c>, or nothing while it runs or if it isn't our child.</summary>
    protected string EndText() => _child is not null && _child.TryWait(out WaitStatus ended) ? $": {ended}" : "";

    // Whoever stands still makes no children, so from the top down nobody escapes; and who has lost its parent is still in the session.
    private List<int> KillOthers()
    {
        // The pid of one that ended may be another's by now, and its session's.
        if (!IsAlive)
            return [];
        List<ProcStat> all = ProcessTable.ReadAll();
        var tree = new List<int>(all.Where(stat => stat.Pid != Pid && !stat.IsDead && stat.Session == Pid).Select(stat => stat.Pid));
        bool hasOthers = tree.Count > 0 || all.Exists(stat => stat.ParentPid == Pid);
        if (!hasOthers)
            return [];
        tree.Insert(0, Pid);
        for (int i = 0; i < tree.Count; i++)
        {
            int pid = tree[i];
            using (ProcessHandle? handle = ProcessHandle.OpenOrGone(pid))
                handle?.TrySignal(Kernel.Abi.Signal.SIGSTOP);
            Patience.Until(() => TaskFiles.OfProcess(pid).ReadStat() is not { State: 'R' or 'S' }, () => $"{pid} to stand still");
            tree.AddRange((ProcessTable.ReadChildren(pid) ?? []).Except(tree));
        }

        foreach (int pid in tree.Skip(1))
        {
            using ProcessHandle? handle = ProcessHandle.OpenOrGone(pid);
            handle?.TrySignal(Kernel.Abi.Signal.SIGKILL);
        }

        return tree[1..];
    }

    private int KillSession()
    {
        List<ProcStat> left = [.. ProcessTable.ReadAll().Where(stat => stat.Session == Pid && stat.Pid != Pid)];
        foreach (ProcStat stat in left)
        {
            using ProcessHandle? handle = ProcessHandle.OpenOrGone(stat.Pid);
            handle?.TrySignal(Kernel.Abi.Signal.SIGKILL);
        }

        return left.Count;
    }

    private bool IsReaped() => !System.IO.Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}"));
}
