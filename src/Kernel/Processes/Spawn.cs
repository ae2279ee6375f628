using System.Collections;
using System.Runtime.InteropServices;
using System.Text;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Processes;

/// <summary>How to start a program.</summary>
public sealed record SpawnOptions
{
    /// <summary>Path, or a name that is looked for in PATH.</summary>
    public required string Program { get; init; }
    /// <summary>Arguments after argv[0].</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];
    /// <summary>argv[0]; the program's name as given if null.</summary>
    public string? ProgramName { get; init; }
    /// <summary>Variables to set or (null) to remove, over our own environment.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();
    /// <summary>Descriptors of the child: its number, and ours behind it. 0, 1, 2 are inherited unless named.</summary>
    public IReadOnlyDictionary<int, FileDescriptor> Descriptors { get; init; } = new Dictionary<int, FileDescriptor>();
    /// <summary>Close every other descriptor from 3 on, also those that whoever started us left open by mistake.</summary>
    public bool CloseOthers { get; init; }
    /// <summary>Working directory; ours if null.</summary>
    public string? WorkingDirectory { get; init; }
    /// <summary>setsid(2) first.</summary>
    public bool NewSession { get; init; }
    /// <summary>Signals that we were started with ignored (nohup, a shell's background) stay ignored; else every action is the default.</summary>
    public bool KeepIgnored { get; init; }
}

/// <summary>A child that we started and must reap; never one of System.Diagnostics.Process, whose reaper would take its ptrace stops.</summary>
public sealed unsafe partial class ChildProcess
{
    /// <summary>Held while a child is started and until it is known, so that nobody takes it for an orphan.</summary>
    internal static readonly Lock Starting = new();

    /// <summary>Children that have an owner who will reap them.</summary>
    internal static readonly Dictionary<int, ChildProcess> Started = [];

    private WaitStatus? _ended;

    private ChildProcess(int pid) => Pid = pid;

    /// <summary>Its pid; ours to signal until it was reaped.</summary>
    public int Pid { get; }

    /// <summary>Adopts a child that was made another way (clone3 of the restorer).</summary>
    public static ChildProcess Adopt(int pid)
    {
        lock (Starting)
            return Started[pid] = new ChildProcess(pid);
    }

    /// <summary>A child that nobody started or adopted.</summary>
    internal static ChildProcess Orphan(int pid) => new(pid);

    /// <summary>posix_spawnp(3): default signal actions, empty signal mask. On return the child has memory of its own.</summary>
    /// <exception cref="KernelException">ENOENT, EACCES, …: it could not be started.</exception>
    public static ChildProcess Start(SpawnOptions options)
    {
        using var actions = new FileActions();
        using var attributes = new Attributes(options.NewSession, options.KeepIgnored ? IgnoredSignals() : 0);
        // A source that is itself a target number of another entry would be overwritten: lift all sources above every target first.
        int top = options.Descriptors.Count == 0 ? 0 : options.Descriptors.Keys.Max() + 1;
        var lifted = new List<FileDescriptor>();
        try
        {
            foreach ((int number, FileDescriptor source) in options.Descriptors)
            {
                var high = new FileDescriptor((int)source.TryControl(Fcntl.F_DUPFD_CLOEXEC, (ulong)Math.Max(top, 3)).OrThrow("fcntl(F_DUPFD_CLOEXEC)"));
                lifted.Add(high);
                actions.AddDup2(high.Number, number);
            }

            if (options.CloseOthers)
                actions.AddCloseAllBut(options.Descriptors.Keys);
            if (options.WorkingDirectory is not null)
                actions.AddChdir(options.WorkingDirectory);
            string[] arguments = [options.ProgramName ?? options.Program, .. options.Arguments];
            using var argv = new StringArray(arguments);
            using var envp = new StringArray(MergedEnvironment(options.Environment));
            lock (Starting)
            {
                int pid;
                int errno;
                fixed (byte* program = FileDescriptor.Terminated(options.Program))
                    errno = posix_spawnp(&pid, program, actions.Pointer, attributes.Pointer, argv.Pointer, envp.Pointer);
                if (errno != 0)
                    throw new KernelException((Errno)errno, $"start {options.Program}");
                WaitForExec(pid);
                return Started[pid] = new ChildProcess(pid);
            }
        }
        finally
        {
            lifted.ForEach(handle => handle.Dispose());
        }
    }

    /// <summary>Waits until it ends, and reaps it.</summary>
    public WaitStatus Wait()
    {
        while (true)
        {
            if (_ended is { } known)
                return known;
            if (HasEnded(0))
                Reap();
            else
                Thread.Sleep(1);
        }
    }

    /// <summary>Reaps it if it has ended.</summary>
    /// <returns>False while it runs.</returns>
    public bool TryWait(out WaitStatus ended)
    {
        if (_ended is null && HasEnded(Sched.WNOHANG))
            Reap();
        ended = _ended.GetValueOrDefault();
        return _ended is not null;
    }

    /// <summary>kill(2), unless it was reaped already.</summary>
    public void Signal(int signal)
    {
        if (_ended is null)
            Door.Call(SyscallNumber.kill, (ulong)Pid, (ulong)signal);
    }

    /// <remarks>
    /// posix_spawn(3) comes back too early for us: exec wakes the parent first, and gives the child a memory of its own then. Who opens maps, mem or
    /// pagemap of the child in between has our own for ever. The end of a pipe that exec closes comes too early, too (seen on Linux 6.1).
    /// </remarks>
    private static void WaitForExec(int pid)
    {
        while (Procfs.TaskFiles.OfProcess(pid).ReadStat() is { IsForkWithoutExec: true, IsDead: false })
            Thread.Sleep(1);
    }

    /// <remarks>A child that is traced by another thread of ours shows its stops to every wait of ours (ptrace(2)): they are left to that thread.</remarks>
    private bool HasEnded(int options)
    {
        while (true)
        {
            SyscallResult looked = ChildState.TryLook(Pid, options, out ChildState state);
            if (looked.Errno == Errno.EINTR)
                continue;
            looked.OrThrow("waitid", Pid);
            return state.HasEnded;
        }
    }

    private void Reap()
    {
        int status;
        Door.CallRestarting(SyscallNumber.wait4, (ulong)Pid, (ulong)(&status), unchecked((ulong)Sched.__WALL)).OrThrow("wait4", Pid);
        _ended = new WaitStatus(status);
        lock (Starting)
        {
            // The pid may be another child's by now.
            if (Started.GetValueOrDefault(Pid) == this)
                Started.Remove(Pid);
        }
    }

    /// <summary>SigIgn as exec would pass it on, without SIGPIPE: that one the runtime ignores for itself.</summary>
    private static ulong IgnoredSignals() =>
        (Procfs.TaskFiles.Self.ReadStatus()?.IgnoredSignals ?? 0) & ~(1UL << (Abi.Signal.SIGPIPE - 1));

    private static string[] MergedEnvironment(IReadOnlyDictionary<string, string?> changes)
    {
        var merged = new Dictionary<string, string>();
        foreach (DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
            merged[(string)entry.Key] = (string?)entry.Value ?? "";
        foreach ((string name, string? value) in changes)
        {
            merged.Remove(name);
            if (value is not null)
                merged[name] = value;
        }

        return [.. merged.Select(pair => $"{pair.Key}={pair.Value}")];
    }

    [LibraryImport("libc")]
    private static partial int posix_spawnp(int* pid, byte* file, void* actions, void* attributes, byte** argv, byte** envp);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_adddup2(void* actions, int from, int to);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_addclose(void* actions, int number);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_addclosefrom_np(void* actions, int from);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_addchdir_np(void* actions, byte* path);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigmask(void* attributes, void* mask);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigdefault(void* attributes, void* mask);

    /// <summary>posix_spawn_file_actions_t: 80 bytes in glibc, given room.</summary>
    private sealed class FileActions : IDisposable
    {
        public FileActions() => Check(posix_spawn_file_actions_init(Pointer));

        public void* Pointer { get; } = NativeMemory.AllocZeroed(256);

        public void AddDup2(int from, int to) => Check(posix_spawn_file_actions_adddup2(Pointer, from, to));

        public void AddCloseAllBut(IEnumerable<int> kept)
        {
            int next = 3;
            foreach (int number in kept.Where(number => number >= 3).Order())
            {
                for (; next < number; next++)
                    Check(posix_spawn_file_actions_addclose(Pointer, next));
                next = number + 1;
            }

            Check(posix_spawn_file_actions_addclosefrom_np(Pointer, next));
        }

        public void AddChdir(string path)
        {
            fixed (byte* text = FileDescriptor.Terminated(path))
                Check(posix_spawn_file_actions_addchdir_np(Pointer, text));
        }

        public void Dispose()
        {
            posix_spawn_file_actions_destroy(Pointer);
            NativeMemory.Free(Pointer);
        }
    }

    /// <summary>posix_spawnattr_t: 336 bytes in glibc, given room. The runtime ignores SIGPIPE, and exec would keep that: all actions are made default.</summary>
    private sealed class Attributes : IDisposable
    {
        private const short SetSigMask = 0x08, SetSigDefault = 0x04, SetSid = 0x80;

        public Attributes(bool newSession, ulong keptSignals)
        {
            Check(posix_spawnattr_init(Pointer));
            byte* mask = stackalloc byte[128];
            new Span<byte>(mask, 128).Clear();
            Check(posix_spawnattr_setsigmask(Pointer, mask));
            new Span<byte>(mask, 128).Fill(0xFF);
            *(ulong*)mask &= ~keptSignals;
            Check(posix_spawnattr_setsigdefault(Pointer, mask));
            Check(posix_spawnattr_setflags(Pointer, (short)(SetSigMask | SetSigDefault | (newSession ? SetSid : 0))));
        }

        public void* Pointer { get; } = NativeMemory.AllocZeroed(512);

        public void Dispose()
        {
            posix_spawnattr_destroy(Pointer);
            NativeMemory.Free(Pointer);
        }
    }

    /// <summary>A zero-terminated array of C strings.</summary>
    private sealed class StringArray : IDisposable
    {
        private readonly int _count;

        public StringArray(IReadOnlyList<string> texts)
        {
            _count = texts.Count;
            Pointer = (byte**)NativeMemory.AllocZeroed((nuint)(_count + 1), (nuint)sizeof(byte*));
            for (int i = 0; i < _count; i++)
            {
                byte[] bytes = Encoding.UTF8.GetBytes(texts[i]);
                Pointer[i] = (byte*)NativeMemory.AllocZeroed((nuint)bytes.Length + 1);
                bytes.CopyTo(new Span<byte>(Pointer[i], bytes.Length));
            }
        }

        public byte** Pointer { get; }

        public void Dispose()
        {
            for (int i = 0; i < _count; i++)
                NativeMemory.Free(Pointer[i]);
            NativeMemory.Free(Pointer);
        }
    }

    private static void Check(int errno)
    {
        if (errno != 0)
            throw new KernelException((Errno)errno, "posix_spawn set-up");
    }
}
