using System.Diagnostics;
using System.Text;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Bench;

/// <summary>Runs the snap binary and other programs, and keeps what they print.</summary>
internal static class SnapBinary
{
    public static string Path { get; } = Environment.GetEnvironmentVariable("SNAP_BINARY") is { Length: > 0 } named ? System.IO.Path.GetFullPath(named)
        : throw new InvalidOperationException("SNAP_BINARY must name the snap binary");

    public static (string Output, TimeSpan Time) Run(string program, params string[] arguments) => Run(program, arguments, isOneLine: false);

    /// <summary>One line of output is enough: a program that the command restored keeps the pipe open.</summary>
    public static (string Output, TimeSpan Time) RunForLine(string program, params string[] arguments) => Run(program, arguments, isOneLine: true);

    private static (string Output, TimeSpan Time) Run(string program, string[] arguments, bool isOneLine)
    {
        (FileDescriptor read, FileDescriptor write) = FileDescriptor.CreatePipe();
        using (read)
        {
            long start = Stopwatch.GetTimestamp();
            ChildProcess child;
            using (write)
            {
                child = ChildProcess.Start(new SpawnOptions
                {
                    Program = program, Arguments = arguments, Descriptors = new Dictionary<int, FileDescriptor> { [1] = write },
                });
            }

            string output = ReadAll(read, isOneLine);
            WaitStatus status = child.Wait();
            TimeSpan time = Stopwatch.GetElapsedTime(start);
            return status.ShellCode == 0 ? (output, time)
                : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {status}\n{output}");
        }
    }

    private static string ReadAll(FileDescriptor read, bool isOneLine)
    {
        var bytes = new MemoryStream();
        var buffer = new byte[65536];
        while ((int)read.TryRead(buffer).OrThrow("read output") is > 0 and int got)
        {
            bytes.Write(buffer, 0, got);
            if (isOneLine && buffer[got - 1] == (byte)'\n')
                break;
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
