using System.Text;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Testing;

/// <summary>A program of tests/Programs talked to through pipes at its 0 and 1: faster than files, for tests that don't restore. Killed when disposed.</summary>
public sealed class PipeTarget : IDisposable
{
    private readonly FileDescriptor _input, _output;
    private readonly List<byte> _unread = [];

    private PipeTarget(ChildProcess child, FileDescriptor input, FileDescriptor output) => (Child, _input, _output) = (child, input, output);

    /// <summary>The process.</summary>
    public ChildProcess Child { get; }

    /// <summary>Its pid.</summary>
    public int Pid => Child.Pid;

    /// <summary>Compiles <c>tests/Programs/NAME.c</c>, starts it and waits until it says ready.</summary>
    /// <exception cref="TargetUnavailableException">The program says that this machine hasn't what it shows.</exception>
    public static PipeTarget Start(string name, params string[] arguments)
    {
        (FileDescriptor inputRead, FileDescriptor inputWrite) = FileDescriptor.CreatePipe();
        (FileDescriptor outputRead, FileDescriptor outputWrite) = FileDescriptor.CreatePipe();
        using (inputRead)
        using (outputWrite)
        {
            ChildProcess child = ChildProcess.Start(new SpawnOptions
            {
                Program = CompiledProgram.Get(name).Path,
                Arguments = ["-", .. arguments],
                CloseOthers = true,
                Descriptors = new Dictionary<int, FileDescriptor> { [0] = inputRead, [1] = outputWrite },
            });
            var target = new PipeTarget(child, inputWrite, outputRead);
            try
            {
                string first = target.ReadAnswer();
                if (first == "ready")
                    return target;
                throw first.StartsWith("unavailable ", StringComparison.Ordinal)
                    ? new TargetUnavailableException(first["unavailable ".Length..])
                    : new InvalidOperationException($"{name} is not ready: {first}");
            }
            catch
            {
                target.Dispose();
                throw;
            }
        }
    }

    /// <summary>Leaves a command for it.</summary>
    public void Send(string command) => _input.WriteAll(Encoding.UTF8.GetBytes(command + "\n"));

    /// <summary>The next line that it answers.</summary>
    public string ReadAnswer()
    {
        var part = new byte[4096];
        while (true)
        {
            int end = _unread.IndexOf((byte)'\n');
            if (end >= 0)
            {
                string line = Encoding.UTF8.GetString([.. _unread[..end]]);
                _unread.RemoveRange(0, end + 1);
                return line;
            }

            if (_output.WaitFor(Poll.POLLIN, (int)Patience.Limit.TotalMilliseconds) == 0)
                throw new TimeoutException($"waited for an answer of pid {Pid}");
            int got = (int)_output.TryRead(part).OrThrow("read");
            if (got == 0)
                throw new InvalidOperationException($"pid {Pid} ended without an answer: {Child.Wait()}");
            _unread.AddRange(part.AsSpan(0, got));
        }
    }

    /// <summary>The answers to <paramref name="command"/> up to the one that ends it: <c>ok</c>, <c>bad</c>, <c>done</c>, <c>bye</c>, or its own first word.</summary>
    public IReadOnlyList<string> Ask(string command)
    {
        Send(command);
        var answers = new List<string>();
        do
            answers.Add(ReadAnswer());
        while (!AnswerWords.Ends(answers[^1], command));
        return answers;
    }

    /// <summary>Lets it check itself from inside.</summary>
    /// <returns>What it found wrong; empty if all is well.</returns>
    public IReadOnlyList<string> Check()
    {
        IReadOnlyList<string> answers = Ask("check");
        return answers[^1].StartsWith("ok ", StringComparison.Ordinal) ? [] : answers;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Child.Signal(Signal.SIGKILL);
        Child.Wait();
        _input.Dispose();
        _output.Dispose();
    }
}
