using System.Text;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Testing;

/// <summary>What a program said until it ended.</summary>
/// <param name="ExitCode">As a shell shows it: 128 + N for signal N.</param>
/// <param name="Output">Its stdout.</param>
/// <param name="Error">Its stderr.</param>
public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>Everything, for a failing assertion.</summary>
    public override string ToString() => $"exit code {ExitCode}\n--- stdout\n{Output}\n--- stderr\n{Error}";
}

/// <summary>Runs programs by posix_spawn: System.Diagnostics.Process would reap, and so steal the ptrace stops of, processes that a test traces.</summary>
public sealed class Command : IDisposable
{
    private readonly FileDescriptor _input;
    private readonly StringBuilder _outputSoFar = new(), _errorSoFar = new();
    private readonly Task _output, _error;

    private Command(ChildProcess child, FileDescriptor input, FileDescriptor output, FileDescriptor error)
    {
        Child = child;
        _input = input;
        // Threads of their own: the pool's may all be waiting for other commands.
        _output = Task.Factory.StartNew(() => ReadToEnd(output, _outputSoFar), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _error = Task.Factory.StartNew(() => ReadToEnd(error, _errorSoFar), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The process.</summary>
    public ChildProcess Child { get; }

    /// <summary>Starts a program with pipes at 0, 1 and 2.</summary>
    public static Command Start(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?>? environment = null, string? directory = null)
    {
        (FileDescriptor inputRead, FileDescriptor inputWrite) = FileDescriptor.CreatePipe();
        (FileDescriptor outputRead, FileDescriptor outputWrite) = FileDescriptor.CreatePipe();
        (FileDescriptor errorRead, FileDescriptor errorWrite) = FileDescriptor.CreatePipe();
        using (inputRead)
        using (outputWrite)
        using (errorWrite)
        {
            ChildProcess child = ChildProcess.Start(new SpawnOptions
            {
                Program = program,
                Arguments = arguments,
                Environment = environment ?? new Dictionary<string, string?>(),
                WorkingDirectory = directory,
                CloseOthers = true,
                Descriptors = new Dictionary<int, FileDescriptor> { [0] = inputRead, [1] = outputWrite, [2] = errorWrite },
            });
            return new Command(child, inputWrite, outputRead, errorRead);
        }
    }

    /// <summary>Runs a program to its end, stdin empty.</summary>
    /// <exception cref="TimeoutException">It didn't end; it was killed.</exception>
    public static CommandResult Run(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?>? environment = null, string? directory = null)
    {
        using Command command = Start(program, arguments, environment, directory);
        return command.WaitForEnd();
    }

    /// <summary>What it has written to stdout and stderr by now.</summary>
    public string OutputSoFar => TextOf(_outputSoFar) + TextOf(_errorSoFar);

    /// <summary>Text for its stdin.</summary>
    public void Write(string text) => _input.WriteAll(Encoding.UTF8.GetBytes(text));

    /// <summary>Sends a signal.</summary>
    public void Signal(int signal) => Child.Signal(signal);

    /// <summary>Ends its stdin and waits until it has ended itself, whoever goes on with its output.</summary>
    public WaitStatus WaitForOwnEnd()
    {
        _input.Dispose();
        Patience.Until(() => Child.TryWait(out _), () => $"process {Child.Pid} to end");
        return Child.Wait();
    }

    /// <summary>Ends its stdin and waits until it and everybody who shares its output has ended.</summary>
    public CommandResult WaitForEnd()
    {
        _input.Dispose();
        Patience.Until(() => Child.TryWait(out _), () => $"process {Child.Pid} to end");
        if (!Task.WaitAll([_output, _error], Patience.Limit))
            throw new TimeoutException($"process {Child.Pid} has ended, but somebody keeps its stdout or stderr open");
        return new CommandResult(Child.Wait().ShellCode, TextOf(_outputSoFar), TextOf(_errorSoFar));
    }

    /// <summary>Kills it if it still runs, and reaps it.</summary>
    public void Dispose()
    {
        Child.Signal(Snap.Kernel.Abi.Signal.SIGKILL);
        Child.Wait();
        _input.Dispose();
    }

    private static void ReadToEnd(FileDescriptor source, StringBuilder into)
    {
        using (source)
        {
            Decoder decoder = Encoding.UTF8.GetDecoder();
            var part = new byte[16384];
            var characters = new char[part.Length];
            for (int got; (got = (int)source.TryRead(part).OrThrow("read")) > 0;)
            {
                int count = decoder.GetChars(part, 0, got, characters, 0);
                lock (into)
                    into.Append(characters, 0, count);
            }
        }
    }

    private static string TextOf(StringBuilder text)
    {
        lock (text)
            return text.ToString();
    }
}
