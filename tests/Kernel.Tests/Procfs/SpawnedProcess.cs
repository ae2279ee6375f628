using System.Text;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Kernel.Tests.Procfs;

/// <summary>A child whose stdin and stdout are pipes to us; killed and reaped when disposed.</summary>
internal sealed class SpawnedProcess : IDisposable
{
    private readonly ChildProcess _process;
    private readonly FileDescriptor _input;
    private readonly FileDescriptor _output;

    private SpawnedProcess(ChildProcess process, FileDescriptor input, FileDescriptor output)
    {
        _process = process;
        _input = input;
        _output = output;
    }

    internal int Pid => _process.Pid;

    /// <summary>Starts a program found in PATH.</summary>
    internal static SpawnedProcess Start(string program, params string[] arguments)
    {
        (FileDescriptor theirInput, FileDescriptor input) = FileDescriptor.CreatePipe();
        (FileDescriptor output, FileDescriptor theirOutput) = FileDescriptor.CreatePipe();
        using (theirInput)
        using (theirOutput)
        {
            ChildProcess process = ChildProcess.Start(new SpawnOptions
            {
                Program = program,
                Arguments = arguments,
                Descriptors = new Dictionary<int, FileDescriptor> { [0] = theirInput, [1] = theirOutput },
            });
            return new SpawnedProcess(process, input, output);
        }
    }

    /// <summary>The next line that the child writes.</summary>
    internal string ReadLine()
    {
        var line = new List<byte>();
        Span<byte> next = stackalloc byte[1];
        while (_output.ReadFully(next) && next[0] != '\n')
            line.Add(next[0]);
        return Encoding.Latin1.GetString([.. line]);
    }

    internal void WriteLine(string line) => _input.WriteAll(Encoding.UTF8.GetBytes(line + "\n"));

    /// <summary>Kills the child and leaves it a zombie.</summary>
    internal void Kill() => _process.Signal(Signal.SIGKILL);

    /// <summary>Takes the zombie away, so that its /proc entry is gone.</summary>
    internal void Reap() => _process.Wait();

    public void Dispose()
    {
        Kill();
        Reap();
        _input.Dispose();
        _output.Dispose();
    }
}
