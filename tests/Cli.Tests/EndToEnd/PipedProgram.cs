using System.Text;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>A program that is talked to line by line while it runs. Killed when disposed.</summary>
internal sealed class PipedProgram : IDisposable
{
    private readonly FileDescriptor _input, _output;
    private readonly List<byte> _unread = [];

    private PipedProgram(ChildProcess child, FileDescriptor input, FileDescriptor output) => (Child, _input, _output) = (child, input, output);

    public ChildProcess Child { get; }

    public static PipedProgram Start(string program, IReadOnlyList<string> arguments)
    {
        (FileDescriptor inputRead, FileDescriptor inputWrite) = FileDescriptor.CreatePipe();
        (FileDescriptor outputRead, FileDescriptor outputWrite) = FileDescriptor.CreatePipe();
        using (inputRead)
        using (outputWrite)
        {
            ChildProcess child = ChildProcess.Start(new SpawnOptions
            {
                Program = program,
                Arguments = arguments,
                NewSession = true,
                CloseOthers = true,
                Descriptors = new Dictionary<int, FileDescriptor> { [0] = inputRead, [1] = outputWrite, [2] = outputWrite },
            });
            return new PipedProgram(child, inputWrite, outputRead);
        }
    }

    public void Write(string text) => _input.WriteAll(Encoding.UTF8.GetBytes(text));

    public void CloseInput() => _input.Dispose();

    /// <summary>The next line of stdout or stderr.</summary>
    public string ReadLine()
    {
        var part = new byte[4096];
        int end;
        while ((end = _unread.IndexOf((byte)'\n')) < 0)
        {
            Assert.True(_output.WaitFor(Poll.POLLIN, (int)Patience.Limit.TotalMilliseconds) != 0, $"no line from pid {Child.Pid}; so far: {Unread()}");
            int got = (int)_output.TryRead(part).OrThrow("read");
            Assert.True(got > 0, $"pid {Child.Pid} ended its output; the rest: {Unread()}");
            _unread.AddRange(part.AsSpan(0, got));
        }

        string line = Encoding.UTF8.GetString([.. _unread[..end]]);
        _unread.RemoveRange(0, end + 1);
        return line;
    }

    public WaitStatus WaitForEnd()
    {
        Patience.Until(() => Child.TryWait(out _), () => $"pid {Child.Pid} to end");
        return Child.Wait();
    }

    public void Dispose()
    {
        Child.Signal(Signal.SIGKILL);
        Child.Wait();
        _input.Dispose();
        _output.Dispose();
    }

    private string Unread() => Encoding.UTF8.GetString([.. _unread]);
}
