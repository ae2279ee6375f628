using System.Globalization;
using System.Text;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Bench;

/// <summary>The target: a process one thread of which knows the longest time that it was not running.</summary>
internal sealed class GapSpinner : IDisposable
{
    private readonly ChildProcess _child;
    private readonly FileDescriptor _commands, _answers;

    public GapSpinner(string directory, int mebibytes, int dirtyPages, int intervalMs, int threads, bool isSequential = false)
    {
        string program = Path.Combine(directory, "gap_spinner");
        if (!File.Exists(program))
            SnapBinary.Run("gcc", "-O2", "-pthread", "-o", program, Path.Combine(AppContext.BaseDirectory, "Programs", "gap_spinner.c"));
        (FileDescriptor read, FileDescriptor answers) = FileDescriptor.CreatePipe();
        (FileDescriptor commands, FileDescriptor write) = FileDescriptor.CreatePipe();
        using (answers)
        using (commands)
        {
            _child = ChildProcess.Start(new SpawnOptions
            {
                Program = program,
                Arguments = [Text(mebibytes), Text(dirtyPages), Text(intervalMs), Text(threads), .. isSequential ? new[] { "s" } : []],
                Descriptors = new Dictionary<int, FileDescriptor> { [0] = commands, [1] = answers },
            });
        }

        (_commands, _answers) = (write, read);
        if (ReadLine() != "ready")
            throw new InvalidOperationException("the target did not start");
    }

    public int Pid => _child.Pid;

    /// <summary>Longest gap since the last question, microseconds.</summary>
    public double LongestGap()
    {
        _commands.WriteAll("\n"u8);
        return double.Parse(ReadLine(), CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _child.Signal(Signal.SIGKILL);
        _child.Wait();
        _commands.Dispose();
        _answers.Dispose();
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private string ReadLine()
    {
        var line = new StringBuilder();
        Span<byte> one = stackalloc byte[1];
        while (_answers.ReadFully(one) && one[0] != (byte)'\n')
            line.Append((char)one[0]);
        return line.ToString();
    }
}
