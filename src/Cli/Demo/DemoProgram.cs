using System.Globalization;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Cli.Demo;

/// <summary>The program of the demo: it draws a random number once, then counts steps, and after each writes a line to a file that is no part of its snapshots.</summary>
/// <remarks>A line is the step, the random number, and a checksum over all steps so far: only the very memory that wrote line N can write line N + 1.</remarks>
internal sealed class DemoProgram
{
    private const string Python = """
        import hashlib, os, sys, time
        number = os.urandom(8).hex()
        chain, step = number, 0
        while True:
            step += 1
            chain = hashlib.sha256(f"{chain} {step}".encode()).hexdigest()[:16]
            with open(sys.argv[1], "a") as log:
                log.write(f"{step} {number} {chain}\n")
            time.sleep(0.02)
        """;

    // No child processes and no sleep, which would be one: it writes a line every so many turns.
    private const string Shell = """
        number=$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
        chain=$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')
        step=0 turn=0
        while :; do
            turn=$((turn + 1))
            if [ $((turn % 20000)) = 0 ]; then
                step=$((step + 1))
                chain=$(((chain * 31 + step) % 1000003))
                echo "$step $number $chain" >>"$1"
            fi
        done
        """;

    private DemoProgram(string description, ChildProcess child, string logPath) => (Description, Child, LogPath) = (description, child, logPath);

    /// <summary>What it is, for people.</summary>
    public string Description { get; }

    /// <summary>The process.</summary>
    public ChildProcess Child { get; }

    /// <summary>The file it writes to.</summary>
    public string LogPath { get; }

    /// <summary>Starts it in Python, or in the shell where there is no Python.</summary>
    public static DemoProgram Start(string directory)
    {
        string log = Path.Combine(directory, "steps");
        // Shells and editors leak pipes into what they start; the demo's program could not be captured with them.
        OwnProcess.KeepDescriptorsFromChildren();
        try
        {
            return new DemoProgram("python3", Start("python3", ["-c", Python, log], directory), log);
        }
        catch (KernelException missing) when (missing.Errno is Errno.ENOENT or Errno.EACCES)
        {
            return new DemoProgram("sh", Start("sh", ["-c", Shell, "sh", log], directory), log);
        }
    }

    /// <summary>The whole lines written so far.</summary>
    public IReadOnlyList<DemoStep> ReadSteps()
    {
        if (!File.Exists(LogPath))
            return [];
        using var stream = new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        string text = reader.ReadToEnd();
        return [.. text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(DemoStep.Parse)];
    }

    private static ChildProcess Start(string program, string[] arguments, string directory)
    {
        using FileDescriptor nothing = FileDescriptor.Open("/dev/null", Fcntl.O_RDWR);
        return ChildProcess.Start(new SpawnOptions
        {
            Program = program,
            Arguments = arguments,
            WorkingDirectory = directory,
            NewSession = true,
            Descriptors = new Dictionary<int, FileDescriptor> { [0] = nothing, [1] = nothing, [2] = nothing },
        });
    }
}

/// <summary>One line of the demo's program.</summary>
/// <param name="Step">Counts from 1.</param>
/// <param name="Number">The random number, drawn once at the start.</param>
/// <param name="Chain">Checksum over all steps so far.</param>
internal sealed record DemoStep(int Step, string Number, string Chain)
{
    /// <summary>Reads what the program wrote.</summary>
    public static DemoStep Parse(string line)
    {
        string[] parts = line.Split(' ');
        return new DemoStep(int.Parse(parts[0], CultureInfo.InvariantCulture), parts[1], parts[2]);
    }

    /// <summary><c>step 31, number 8f3a…, checksum 77c0…</c>.</summary>
    public override string ToString() => $"step {Step}, number {Number}, checksum {Chain}";
}
