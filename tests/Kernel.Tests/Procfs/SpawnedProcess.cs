using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Snap.Kernel.Tests.Procfs;

/// <summary>A child started by posix_spawn, never by System.Diagnostics.Process; killed and reaped when disposed.</summary>
internal sealed class SpawnedProcess : IDisposable
{
    private const int CloseOnExec = 0x80000;
    private readonly FileStream _input;
    private readonly StreamReader _output;
    private bool _reaped;

    private SpawnedProcess(int pid, FileStream input, StreamReader output)
    {
        Pid = pid;
        _input = input;
        _output = output;
    }

    internal int Pid { get; }

    /// <summary>Starts a program found in PATH, its stdin and stdout on pipes to us.</summary>
    internal static SpawnedProcess Start(params string[] arguments)
    {
        var actions = new byte[256];
        var input = new int[2];
        var output = new int[2];
        Check(pipe2(input, CloseOnExec) == 0 && pipe2(output, CloseOnExec) == 0);
        Check(posix_spawn_file_actions_init(actions) == 0);
        Check(posix_spawn_file_actions_adddup2(actions, input[0], 0) == 0);
        Check(posix_spawn_file_actions_adddup2(actions, output[1], 1) == 0);
        string?[] environment =
            [.. Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(pair => $"{pair.Key}={pair.Value}"), null];
        int error = posix_spawnp(out int pid, arguments[0], actions, 0, [.. arguments, null], environment);
        posix_spawn_file_actions_destroy(actions);
        _ = close(input[0]);
        _ = close(output[1]);
        Assert.Equal(0, error);
        return new SpawnedProcess(
            pid,
            new FileStream(new SafeFileHandle(input[1], true), FileAccess.Write, 0),
            new StreamReader(new FileStream(new SafeFileHandle(output[0], true), FileAccess.Read, 0), Encoding.Latin1));
    }

    /// <summary>The next line that the child writes.</summary>
    internal string ReadLine() => _output.ReadLine() ?? throw new InvalidOperationException("the child ended without a word");

    internal void WriteLine(string line) => _input.Write(Encoding.UTF8.GetBytes(line + "\n"));

    /// <summary>Kills the child and leaves it a zombie.</summary>
    internal void Kill() => Check(kill(Pid, 9) == 0);

    /// <summary>Takes the zombie away, so that its /proc entry is gone.</summary>
    internal void Reap()
    {
        Check(waitpid(Pid, out _, 0) == Pid);
        _reaped = true;
    }

    public void Dispose()
    {
        if (!_reaped)
        {
            _ = kill(Pid, 9);
            _ = waitpid(Pid, out _, 0);
        }

        _input.Dispose();
        _output.Dispose();
    }

    private static void Check(bool success)
    {
        if (!success)
            throw new InvalidOperationException($"errno {Marshal.GetLastPInvokeError()}");
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int pipe2([Out] int[] descriptors, int flags);

    [DllImport("libc")]
    private static extern int close(int descriptor);

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int pid, int signal);

    [DllImport("libc", SetLastError = true)]
    private static extern int waitpid(int pid, out int status, int options);

    [DllImport("libc")]
    private static extern int posix_spawn_file_actions_init([In, Out] byte[] actions);

    [DllImport("libc")]
    private static extern int posix_spawn_file_actions_adddup2([In, Out] byte[] actions, int descriptor, int wanted);

    [DllImport("libc")]
    private static extern int posix_spawn_file_actions_destroy([In, Out] byte[] actions);

    [DllImport("libc", BestFitMapping = false)]
    private static extern int posix_spawnp(
        out int pid, [MarshalAs(UnmanagedType.LPUTF8Str)] string file, [In] byte[] actions, nint attributes,
        [In, MarshalAs(UnmanagedType.LPArray, ArraySubType = UnmanagedType.LPStr)] string?[] arguments,
        [In, MarshalAs(UnmanagedType.LPArray, ArraySubType = UnmanagedType.LPStr)] string?[] environment);
}
