using System.Globalization;
using System.Text.Json;
using Snap.Kernel;
using Snap.Kernel.Procfs;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>A store of a test's own, and the published <c>snap</c> binary ($SNAP_BINARY) to work on it.</summary>
/// <remarks>Disposing proves that no process of ours is left that works on the store, then removes it.</remarks>
internal sealed class SnapStore : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly List<Command> _started = [];
    private readonly bool _withEngine;

    private SnapStore(bool withEngine) => _withEngine = withEngine;

    /// <summary>The binary under test; null if there is none, and the test has to be skipped.</summary>
    public static string? Binary { get; } = Environment.GetEnvironmentVariable("SNAP_BINARY") is { Length: > 0 } named && File.Exists(named) ? named : null;

    /// <summary>Opens one, or skips the test if there is no binary.</summary>
    /// <param name="withEngine">Commands use the store's own engine, as usual; false: each has one in its process.</param>
    public static SnapStore OpenOrSkip(bool withEngine = true)
    {
        Skip.If(Binary is null, "SNAP_BINARY names no published snap binary (./test sets it)");
        return new SnapStore(withEngine);
    }

    /// <summary>Where it lies.</summary>
    public string Path => _directory["store"];

    /// <summary>Other files of the test.</summary>
    public string this[string name] => _directory[name];

    /// <summary>Runs a command to its end.</summary>
    public CommandResult Run(params string[] arguments) => Command.Run(Binary!, arguments, Environs());

    /// <summary>Starts a command that is ended by the test, or by <see cref="Dispose"/>.</summary>
    public Command Start(params string[] arguments)
    {
        Command started = Command.Start(Binary!, arguments, Environs());
        _started.Add(started);
        return started;
    }

    /// <summary>The same with more variables; ended by the test.</summary>
    public Command StartWith(Dictionary<string, string?> environment, params string[] arguments)
    {
        foreach ((string name, string? value) in Environs())
            environment.TryAdd(name, value);
        return Command.Start(Binary!, arguments, environment);
    }

    /// <summary>Runs a command that must succeed, with --json.</summary>
    /// <returns>What it printed.</returns>
    public JsonElement Json(params string[] arguments)
    {
        CommandResult result = Run([arguments[0], "--json", .. arguments[1..]]);
        Assert.True(result.ExitCode == 0, $"snap {string.Join(' ', arguments)}: {result}");
        return JsonDocument.Parse(result.Output).RootElement;
    }

    /// <summary>Runs a command that must fail, as text and with --json, and compares the two.</summary>
    /// <returns>The error.</returns>
    public SnapError Fails(params string[] arguments)
    {
        CommandResult text = Run(arguments);
        Assert.True(text.ExitCode != 0, $"snap {string.Join(' ', arguments)} did not fail: {text}");
        Assert.StartsWith("snap: S", text.Error[text.Error.IndexOf("snap: S", StringComparison.Ordinal)..], StringComparison.Ordinal);
        CommandResult json = Run([arguments[0], "--json", .. arguments[1..]]);
        SnapError error = SnapError.Parse(json);
        Assert.True(text.ExitCode == error.ExitCode, $"text {text.ExitCode}, JSON {error.ExitCode}: {text}");
        Assert.Contains($"snap: {error.Id} ", text.Error, StringComparison.Ordinal);
        return error;
    }

    /// <summary>One checkpoint.</summary>
    public JsonElement Take(int pid) => Json("take", Text(pid));

    /// <summary>The snapshots of the store, newest first.</summary>
    public IReadOnlyList<JsonElement> Log()
    {
        CommandResult result = Run("log", "--json");
        if (result.ExitCode == 3)
            return []; // not made yet
        Assert.True(result.ExitCode == 0, $"snap log: {result}");
        return [.. JsonDocument.Parse(result.Output).RootElement.EnumerateArray()];
    }

    /// <summary>Restores, and stays as the parent of what was restored until it ends.</summary>
    /// <returns>The command; its process is the target's parent.</returns>
    public Command RestoreInto(TargetProcess target, string reference, params string[] options)
    {
        Command waiting = Start(["restore", reference, "--wait", .. options]);
        Patience.Until(() => IsRestored(target.Pid, waiting) || waiting.Child.TryWait(out _), () => $"pid {target.Pid} to be restored");
        if (waiting.Child.TryWait(out _) && !IsRestored(target.Pid, waiting))
            Assert.Fail($"snap restore {reference}: {waiting.WaitForEnd()}");
        target.Adopt(target.Pid);
        return waiting;
    }

    /// <summary>Ends the store's engine, and with it every watch.</summary>
    public void StopEngine()
    {
        CommandResult stopped = Run("engine", "stop");
        Assert.True(stopped.ExitCode == 0, $"snap engine stop: {stopped}");
    }

    /// <summary>For arguments.</summary>
    public static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Command command in _started)
            command.Dispose();
        try
        {
            StopEngine();
            Patience.Until(() => OwnProcesses().Count == 0, () => $"processes that work on {Path} to end: {string.Join("; ", OwnProcesses())}");
        }
        finally
        {
            _directory.Dispose();
        }
    }

    private static bool IsRestored(int pid, Command restorer)
    {
        TaskFiles process = TaskFiles.OfProcess(pid);
        return process.ReadStatus() is { } status && status.TracerPid == 0 && status.State is 'R' or 'S' or 'D' &&
            process.ReadExecutable() is { } executable && !executable.ToString().Contains("memfd:", StringComparison.Ordinal) && pid != restorer.Child.Pid;
    }

    private Dictionary<string, string?> Environs() => new() { ["SNAP_STORE"] = Path, ["XDG_DATA_HOME"] = null, ["SNAP_ENGINE"] = _withEngine ? null : "off" };

    /// <summary>Every process that has our store in its environment or arguments, and is a snap: tracers, engines, watchdogs.</summary>
    private List<string> OwnProcesses()
    {
        var found = new List<string>();
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(System.IO.Path.GetFileName(directory), out int pid))
                continue;
            TaskFiles process = TaskFiles.OfProcess(pid);
            try
            {
                if (process.ReadExecutable()?.ToString() == Binary && process.ReadEnvironment() is { } environment && environment.Contains($"SNAP_STORE={Path}"))
                    found.Add($"{pid} {string.Join(' ', process.ReadCommandLine() ?? [])}");
            }
            catch (KernelException)
            {
                // Another user's, so not ours.
            }
        }

        return found;
    }
}

/// <summary>An error as --json prints it.</summary>
/// <param name="Id">S0412.</param>
/// <param name="What">What could not be done.</param>
/// <param name="Where">Pid, descriptor, file.</param>
/// <param name="Why">The fact.</param>
/// <param name="ToDo">The cure.</param>
/// <param name="ExitCode">The process's.</param>
/// <param name="Others">Further findings of the same check.</param>
internal sealed record SnapError(string Id, string What, string Where, string Why, string ToDo, int ExitCode, IReadOnlyList<SnapError> Others)
{
    /// <summary>This one and the others.</summary>
    public IEnumerable<SnapError> All => [this, .. Others];

    /// <summary>Everything it says.</summary>
    public string Text => string.Join('\n', All.Select(error => $"{error.Id} {error.What} | {error.Where} | {error.Why} | {error.ToDo}"));

    public static SnapError Parse(CommandResult result)
    {
        Assert.True(result.Output.Length > 0, $"no JSON on stdout: {result}");
        return Parse(JsonDocument.Parse(result.Output).RootElement.GetProperty("error"), result.ExitCode);
    }

    private static SnapError Parse(JsonElement error, int exitCode)
    {
        string Member(string name) => error.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        List<SnapError> others = error.TryGetProperty("others", out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(other => Parse(other, exitCode))] : [];
        var parsed = new SnapError(Member("id"), Member("what"), Member("where"), Member("why"), Member("toDo"), exitCode, others);
        // Four parts, each of which says something.
        Assert.Matches("^S0[1-9][0-9]{2}$|^S0001$", parsed.Id);
        Assert.NotEqual("", parsed.What);
        Assert.NotEqual("", parsed.ToDo);
        return parsed;
    }
}
