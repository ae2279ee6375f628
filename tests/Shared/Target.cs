using System.Text;

namespace Snap.Testing;

/// <summary>A C program of tests/Programs that runs, and is talked to through files in its directory: the same before a snapshot, and as a restored process.</summary>
public sealed class Target : TargetProcess
{
    private long _answersRead;

    private Target(string binary, string[] arguments)
        : base(binary, ["{dir}", .. arguments])
    {
    }

    /// <summary>Compiles <c>tests/Programs/NAME.c</c>, starts it and waits until it says ready.</summary>
    /// <param name="name">Without <c>.c</c>.</param>
    /// <param name="arguments">Each <c>{dir}</c> in them is replaced by the target's directory.</param>
    /// <exception cref="TargetUnavailableException">The program says that this machine hasn't what it shows.</exception>
    public static Target Start(string name, params string[] arguments) => StartAt(CompiledProgram.Get(name).Path, arguments);

    /// <summary>As <see cref="Start"/>, for a binary that is there.</summary>
    public static Target StartAt(string binary, params string[] arguments)
    {
        var target = new Target(binary, arguments);
        try
        {
            string first = target.ReadAnswer();
            if (first.StartsWith("unavailable ", StringComparison.Ordinal))
                throw new TargetUnavailableException(first["unavailable ".Length..]);
            if (first != "ready")
                throw new InvalidOperationException($"{target} is not ready: {first}");
            return target;
        }
        catch
        {
            target.Dispose();
            throw;
        }
    }

    /// <summary>Leaves a command for it.</summary>
    public void Send(string command)
    {
        File.WriteAllText(Directory["command.new"], command + "\n");
        File.Move(Directory["command.new"], Directory["command"], overwrite: true);
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
            () => $"an answer of {this}");
        return line ?? throw new InvalidOperationException($"{this} ended without an answer{EndText()}");
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

    private string? TryReadAnswer()
    {
        string path = Directory["answers"];
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
