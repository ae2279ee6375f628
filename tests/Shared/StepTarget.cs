using System.Globalization;
using System.Text;

namespace Snap.Testing;

/// <summary>One line of a step program's log.</summary>
/// <param name="Nonce">Drawn at the program's start: two runs differ in it, a restored run doesn't.</param>
/// <param name="Number">1 for the first.</param>
/// <param name="Hash">Of everything up to this step; the same in every run.</param>
/// <param name="Time">Seconds since 1970, taken just before the line was written.</param>
public sealed record Step(string Nonce, int Number, string Hash, double Time);

/// <summary>A long deterministic computation in python3, node or .NET that logs every step to a file which no restore rolls back.</summary>
public sealed class StepTarget : TargetProcess
{
    private StepTarget(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null)
        : base(program, arguments, environment)
    {
    }

    /// <summary>The kinds there are: python, node, dotnet.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["python", "node", "dotnet"];

    /// <summary>Starts the program of a kind and waits for its first step.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="steps">How many it makes.</param>
    /// <param name="stepMs">It sleeps so long after each.</param>
    /// <exception cref="TargetUnavailableException">The interpreter isn't installed.</exception>
    public static StepTarget Start(string kind, int steps, int stepMs = 2)
    {
        (string program, string[] arguments, Dictionary<string, string?>? environment) = CommandOf(kind, steps, stepMs);
        var target = new StepTarget(program, arguments, environment);
        try
        {
            Patience.Until(() => target.ReadSteps().Count > 0 || !target.IsAlive, () => $"the first step of {target}");
            if (target.ReadSteps().Count == 0)
                throw new InvalidOperationException($"{target} ended before its first step{target.EndText()}");
            return target;
        }
        catch
        {
            target.Dispose();
            throw;
        }
    }

    /// <summary>Program, arguments and environment of a kind; <c>{dir}</c> stands for the directory.</summary>
    public static (string Program, string[] Arguments, Dictionary<string, string?>? Environment) CommandOf(string kind, int steps, int stepMs)
    {
        string count = steps.ToString(CultureInfo.InvariantCulture), ms = stepMs.ToString(CultureInfo.InvariantCulture);
        return kind switch
        {
            "python" => (Installed("python3", "-c", "import sys; print(sys.executable)"), [Path.Combine(RepositoryRoot.Programs, "python_steps.py"), "{dir}", count, ms], null),
            "node" => (Installed("node", "-p", "process.execPath"), [Path.Combine(RepositoryRoot.Programs, "node_steps.js"), "{dir}", count, ms], null),
            // Diagnostics is a listening socket, which can't be captured yet.
            "dotnet" => (Installed("dotnet"), [DotnetProgram(), "{dir}", count, ms], new Dictionary<string, string?> { ["DOTNET_EnableDiagnostics"] = "0" }),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown"),
        };
    }

    /// <summary>The lines logged so far, by all lives of the program.</summary>
    public IReadOnlyList<Step> ReadSteps()
    {
        var steps = new List<Step>();
        foreach (string line in ReadText("steps").Split('\n'))
        {
            string[] words = line.Split(' ');
            if (words.Length == 4)
                steps.Add(new Step(words[0], int.Parse(words[1], CultureInfo.InvariantCulture), words[2], double.Parse(words[3], CultureInfo.InvariantCulture)));
        }

        return steps;
    }

    /// <summary>The lines that each life which came to its end left: nonce and hash.</summary>
    public IReadOnlyList<string> ReadResults() => ReadText("result").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Waits until at least so many lines were logged.</summary>
    public void WaitForSteps(int count) =>
        Patience.Until(() => ReadSteps().Count >= count || !IsAlive, () => string.Create(CultureInfo.InvariantCulture, $"{count} steps of {this}"));

    private string ReadText(string name)
    {
        string path = Directory[name];
        if (!File.Exists(path))
            return "";
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>The real path of an interpreter: what PATH shows may be a script that starts it.</summary>
    private static string Installed(string name, params string[] tellPath)
    {
        try
        {
            if (tellPath.Length == 0)
            {
                Command.Run(name, ["--version"]);
                return name;
            }

            CommandResult told = Command.Run(name, tellPath);
            if (told.ExitCode == 0)
                return told.Output.Trim();
            throw new TargetUnavailableException($"{name} does not work: {told.Error.Trim()}");
        }
        catch (Kernel.KernelException missing)
        {
            throw new TargetUnavailableException($"{name} is not installed: {missing.Message}");
        }
    }

    private static string DotnetProgram()
    {
        string root = Path.Combine(RepositoryRoot.Programs, "DotnetTarget", "bin");
        string? newest = !System.IO.Directory.Exists(root) ? null : System.IO.Directory.GetFiles(root, "DotnetTarget.dll", SearchOption.AllDirectories)
            .OrderByDescending(File.GetLastWriteTimeUtc).FirstOrDefault();
        return newest ?? throw new InvalidOperationException($"no DotnetTarget.dll under {root}: the test project has to build tests/Programs/DotnetTarget");
    }
}
