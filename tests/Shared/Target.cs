using System.Globalization;
using System.Text;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Testing;

/// <summary>A program of tests/Programs that runs, and is talked to through files in a directory: the same before a snapshot, and as a restored process.</summary>
/// <remarks>
/// Its stdin, stdout and stderr are /dev/null, so nothing of it leads outside. Disposing kills the process (as long as it is the one that was started or
/// adopted last) and removes the directory, which ends any other copy of it as well.
/// </remarks>
public sealed class Target : IDisposable
{
    private readonly TemporaryDirectory _directory;
    private readonly string _program;
    private ChildProcess? _child;
    private ProcessHandle? _handle;
    private long _answersRead;

    private Target(string program, TemporaryDirectory directory) => (_program, _directory) = (program, directory);

    /// <summary>The process's pid; a restored one has the same.</summary>
    public int Pid { get; private set; }

    /// <summary>The directory that it was given; the test may keep its own files there.</summary>
    public TemporaryDirectory Directory => _directory;

    /// <summary>Compiles <c>tests/Programs/NAME.c</c>, starts it and waits until it says ready.</summary>
    /// <exception cref="TargetUnavailableException">The program says that this machine hasn't what it shows.</exception>
    public static Target Start(string name, params string[] arguments) => StartAt(CompiledProgram.Get(name).Path, arguments);

    /// <summary>As <see cref="Start"/>, with <c>{dir}</c> in an argument replaced by the target's directory.</summary>
    public static Target StartAt(string binary, params string[] arguments)
    {
        var directory = new TemporaryDirectory();
        var target = new Target(Path.GetFileName(binary), directory);
        try
        {
            using FileDescriptor nothing = FileDescriptor.Open("/dev/null", Fcntl.O_RDWR);
            target._child = ChildProcess.Start(new SpawnOptions
            {
                Program = binary,
                Arguments = [directory.Path, .. arguments.Select(text => text.Replace("{dir}", directory.Path, StringComparison.Ordinal))],
                WorkingDirectory = "/",
                NewSession = true,
                Descriptors = new Dictionary<int, FileDescriptor> { [0] = nothing, [1] = nothing, [2] = nothing },
            });
            target.Pid = target._child.Pid;
            target._handle = ProcessHandle.OpenOrGone(target.Pid);
            string first = target.ReadAnswer();
            if (first.StartsWith("unavailable ", StringComparison.Ordinal))
                throw new TargetUnavailableException(first["unavailable ".Length..]);
            if (first != "ready")
                throw new InvalidOperationException($"{target._program} is not ready: {first}");
            return target;
        }
        catch
        {
            target.Dispose();
            throw;
        }
    }

    /// <summary>True while the process runs.</summary>
    public bool IsAlive => _handle is { HasExited: false };

    /// <summary>Leaves a command for it.</summary>
    public void Send(string command)
    {
        File.WriteAllText(_directory["command.new"], command + "\n");
        File.Move(_directory["command.new"], _directory["command"], overwrite: true);
    }

    /// <summary>The next line that it answers, also from before it was restored.</summary>
    /// <exception cref="InvalidOperationException">It ended without one.</exception>
    public string ReadAnswer()
    {
        string? line = null;
        Patience.Until(
            () =>
            {
                bool ended = !IsAlive;
                line = TryReadAnswer();
                return line is not null || ended;
            },
            () => $"an answer of {_program} (pid {Pid})");
        return line ?? throw new InvalidOperationException($"{_program} (pid {Pid}) ended without an answer{EndText()}");
    }

    /// <summary>The answers to <paramref name="command"/> up to the one that ends it: <c>ok</c>, <c>bad</c>, <c>done</c>, <c>bye</c>, or its own first word.</summary>
    public IReadOnlyList<string> Ask(string command)
    {
        Send(command);
        var answers = new List<string>();
        string verb = command.Split(' ')[0];
        do
            answers.Add(ReadAnswer());
        while (answers[^1].Split(' ')[0] is var word && word is not ("ok" or "bad" or "done" or "bye" or "unknown" or "broken") && word != verb);
        return answers;
    }

    /// <summary>Lets it check itself from inside.</summary>
    /// <returns>What it found wrong; empty if all is well.</returns>
    public IReadOnlyList<string> Check()
    {
        IReadOnlyList<string> answers = Ask("check");
        return answers[^1].StartsWith("ok ", StringComparison.Ordinal) ? [] : answers;
    }

    /// <summary>SIGKILL, and waits until its pid is free again.</summary>
    public void Kill()
    {
        _handle?.TrySignal(Signal.SIGKILL);
        WaitForEnd();
    }

    /// <summary>Waits until the process has ended and its pid is free.</summary>
    /// <returns>How it ended; null if it isn't our child, so that only its own parent knows.</returns>
    public WaitStatus? WaitForEnd()
    {
        ProcessHandle handle = _handle ?? throw new InvalidOperationException("not started");
        if (!handle.WaitForExit((int)Patience.Limit.TotalMilliseconds))
            throw new TimeoutException($"{_program} (pid {Pid}) does not end");
        WaitStatus? ended = _child?.Wait();
        _child = null;
        int pid = Pid;
        Patience.Until(() => !System.IO.Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}")), () => $"the parent of pid {pid} to reap it");
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
        if (_handle is { HasExited: false } running)
            running.TrySignal(Signal.SIGKILL);
        _child?.Wait();
        _handle?.Dispose();
        _directory.Dispose();
    }

    private string EndText() => _child is not null && _child.TryWait(out WaitStatus ended) ? $": {ended}" : "";

    private string? TryReadAnswer()
    {
        string path = _directory["answers"];
        if (!File.Exists(path))
            return null;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        stream.Position = _answersRead;
        var bytes = new byte[stream.Length - _answersRead];
        stream.ReadExactly(bytes);
        int end = bytes.AsSpan().IndexOf((byte)'\n');
        if (end < 0)
            return null;
        _answersRead += end + 1;
        return Encoding.UTF8.GetString(bytes, 0, end);
    }
}
