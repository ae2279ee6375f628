using System.Text;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Bench;

/// <summary>A child that prints "ready", and then answers each line on its standard input by a line.</summary>
internal sealed class LineChild : IDisposable
{
    private readonly ChildProcess _child;
    private readonly FileDescriptor _commands, _answers;

    private LineChild(ChildProcess child, FileDescriptor commands, FileDescriptor answers) => (_child, _commands, _answers) = (child, commands, answers);

    public int Pid => _child.Pid;

    public static LineChild Start(string[] command)
    {
        (FileDescriptor read, FileDescriptor answers) = FileDescriptor.CreatePipe();
        (FileDescriptor commands, FileDescriptor write) = FileDescriptor.CreatePipe();
        using (answers)
        using (commands)
        {
            ChildProcess child = ChildProcess.Start(new SpawnOptions
            {
                Program = command[0], Arguments = command[1..], CloseOthers = true,
                Descriptors = new Dictionary<int, FileDescriptor> { [0] = commands, [1] = answers },
            });
            var started = new LineChild(child, write, read);
            if (started.ReadLine() == "ready")
                return started;
            started.Dispose();
            throw new InvalidOperationException($"{string.Join(' ', command)} did not start");
        }
    }

    /// <summary>Says a line.</summary>
    /// <returns>The answer.</returns>
    public string Ask(string line)
    {
        _commands.WriteAll(Encoding.UTF8.GetBytes(line + "\n"));
        return ReadLine();
    }

    public void Dispose()
    {
        _child.Signal(Signal.SIGKILL);
        _child.Wait();
        _commands.Dispose();
        _answers.Dispose();
    }

    private string ReadLine()
    {
        var line = new StringBuilder();
        Span<byte> one = stackalloc byte[1];
        while (_answers.ReadFully(one) && one[0] != (byte)'\n')
            line.Append((char)one[0]);
        return line.ToString();
    }
}
