using System.Globalization;
using System.Text.Json;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Testing;

namespace Snap.Fuzz.Kills;

/// <summary>Kills whoever does a phase of a checkpoint, in that phase, again and again.</summary>
/// <remarks>
/// A phase is passed many times in one checkpoint (a thread, a call, a batch of pages each), and the kill comes at a random pass. Programs that hold sockets
/// (a redis-server) are refused before they are touched, so they are no victims here.
/// </remarks>
internal sealed class KillCampaign(string snap, int deaths, Random random) : IDisposable
{
    // In these the tracer is at work, so both it and the engine that started it can die; in the others only the engine is there.
    private static readonly string[] _tracerPhases = ["Attach", "Seize", "Inject", "Scan", "Copy", "Thaw", "Report"];
    private static readonly string[] _enginePhases = ["Encode", "Commit", "Acknowledge"];

    private readonly TemporaryDirectory _directory = new();
    private readonly List<Victim> _victims = [];
    private readonly List<string> _acknowledged = [];
    private readonly Dictionary<Victim, string> _last = [];

    public void Run()
    {
        foreach (string program in new[] { "pthreads", "avx_threads", "thread_churn", "blocking_calls" })
            _victims.Add(new CheckedVictim(program) { Name = program });
        foreach (string kind in StepTarget.Kinds)
        {
            try
            {
                _victims.Add(new ComputingVictim(kind) { Name = kind });
            }
            catch (TargetUnavailableException missing)
            {
                Console.WriteLine($"without {kind}: {missing.Message}");
            }
        }

        Console.WriteLine($"{"phase",-12} {"who dies",-8} {"deaths",7} {"not reached",12} {"passes",7}  at which of them, in tenths");
        foreach (string phase in _tracerPhases)
        {
            RunPhase(phase, "kill", "tracer");
            RunPhase(phase, "kill-parent", "engine");
        }

        foreach (string phase in _enginePhases)
            RunPhase(phase, "kill", "engine");
        foreach (string phase in _enginePhases)
            RunEngines(phase);
        CheckStore(everyByte: true);
    }

    public void Dispose()
    {
        _victims.ForEach(victim => victim.Dispose());
        _directory.Dispose();
    }

    private void RunPhase(string phase, string action, string who)
    {
        var passes = new List<int>();
        int notReached = 0, range = 16;
        while (passes.Count < deaths)
        {
            Victim victim = _victims[random.Next(_victims.Count)];
            int pass = 1 + random.Next(range);
            if (Take(victim, string.Create(CultureInfo.InvariantCulture, $"{phase}:{pass}:{action}")))
            {
                passes.Add(pass);
                // As far out as the passes go, so that late ones get their share too.
                range = Math.Max(range, pass * 2);
            }
            else
            {
                notReached++;
                range = Math.Max(1, range - 1 - (range / 16));
            }

            victim.Check();
            if (passes.Count % 50 == 0)
                _victims.ForEach(each => each.Check());
        }

        int most = passes.Max();
        IEnumerable<int> tenths = Enumerable.Range(0, 10).Select(tenth => passes.Count(pass => (pass - 1) * 10 / most == tenth));
        Console.WriteLine($"{phase,-12} {who,-8} {passes.Count,7} {notReached,12} {most,7}  {string.Join(' ', tenths)}");
        CheckStore(everyByte: false);
        RestoreLast();
    }

    // Engines that are processes, each killed in the phase, or, if it isn't reached, after it: their tracers go on with the next, through all of the deaths.
    private void RunEngines(string phase)
    {
        int reached = 0, others = 0;
        for (int range = 16; reached < deaths;)
        {
            Victim victim = _victims[random.Next(_victims.Count)];
            int pass = 1 + random.Next(range);
            using Command engine = Command.Start(snap, ["engine", "run"], EngineEnvirons(string.Create(CultureInfo.InvariantCulture, $"{phase}:{pass}:kill")));
            Patience.Until(() => IsListening() || engine.Child.TryWait(out _), () => $"the engine to listen after {reached + others} deaths");
            CommandResult taken = Command.Run(snap, ["take", "--json", Text(victim.Process.Pid), "--name", victim.Name], EngineEnvirons(null));
            if (taken.ExitCode == 0)
            {
                _last[victim] = JsonDocument.Parse(taken.Output).RootElement.GetProperty("id").GetString()!;
                _acknowledged.Add(_last[victim]);
            }

            bool died = engine.Child.TryWait(out _);
            (reached, others, range) = died ? (reached + 1, others, Math.Max(range, pass * 2)) : (reached, others + 1, Math.Max(1, range - 1 - (range / 16)));
            // It, or one that the command started when it found none.
            KillEngine();
            victim.Check();
        }

        string[] log = [.. File.ReadLines(Path.Combine(_directory["store"], "engine.log"))];
        int wentOn = log.Count(line => line.Contains("goes on", StringComparison.Ordinal));
        if (log.FirstOrDefault(line => line.Contains("lets it go", StringComparison.Ordinal) && !line.EndsWith("it has just ended", StringComparison.Ordinal)) is { } lost)
            throw new HarmException($"a tracer did not go on with the next engine: {lost}");
        Command.Run(snap, ["engine", "stop"], EngineEnvirons(null));
        Console.WriteLine($"{phase,-12} {"process",-8} {reached,7} {others,12} {"",7}  tracers went on {wentOn} times");
        CheckStore(everyByte: false);
        RestoreLast();
    }

    // True if somebody died in it.
    private bool Take(Victim victim, string fault)
    {
        CommandResult taken = Run(fault, "take", "--json", Text(victim.Process.Pid), "--name", victim.Name);
        if (taken.ExitCode != 0)
            return true;
        _last[victim] = JsonDocument.Parse(taken.Output).RootElement.GetProperty("id").GetString()!;
        _acknowledged.Add(_last[victim]);
        return false;
    }

    private void CheckStore(bool everyByte)
    {
        CommandResult listed = Run(null, "log", "--json");
        if (listed.ExitCode != 0)
            throw new HarmException($"snap log: {listed}");
        var there = JsonDocument.Parse(listed.Output).RootElement.EnumerateArray().Select(snapshot => snapshot.GetProperty("id").GetString()!).ToHashSet();
        if (_acknowledged.FirstOrDefault(id => !there.Contains(id)) is { } lost)
            throw new HarmException($"snapshot {lost} was acknowledged, and is gone");
        CommandResult verified = everyByte ? Run(null, "verify", "--read-data") : Run(null, "verify");
        if (verified.ExitCode != 0)
            throw new HarmException($"snap verify: {verified}");
    }

    // The last snapshot of a C program that was acknowledged: killed, brought back, asked whether it is whole, and then started anew.
    private void RestoreLast()
    {
        Victim[] candidates = [.. _victims.Where(victim => victim is CheckedVictim && _last.ContainsKey(victim))];
        if (candidates.Length == 0)
            return;
        Victim victim = candidates[random.Next(candidates.Length)];
        victim.Process.Kill();
        using (Command parent = Command.Start(snap, ["restore", _last[victim], "--wait"], Environs(null)))
        {
            Patience.Until(() => parent.OutputSoFar.Contains('\n', StringComparison.Ordinal) || parent.Child.TryWait(out _), () => $"{victim.Name} to be restored");
            if (parent.Child.TryWait(out _) || !Directory.Exists($"/proc/{victim.Process.Pid}"))
                throw new HarmException($"{victim.Name} of {_last[victim]} does not come back: {parent.WaitForEnd()}");
            victim.Process.Adopt(victim.Process.Pid);
            victim.Check();
            victim.Process.Kill();
            parent.WaitForEnd();
        }

        victim.Dispose();
        _victims.Remove(victim);
        _last.Remove(victim);
        _victims.Add(new CheckedVictim(victim.Name) { Name = victim.Name });
    }

    private CommandResult Run(string? fault, params string[] arguments) => Command.Run(snap, arguments, Environs(fault));

    // Each command with an engine of its own, so that a fault meets the one that it is meant for.
    private Dictionary<string, string?> Environs(string? fault) => new() { ["SNAP_STORE"] = _directory["store"], ["SNAP_FAULT"] = fault, ["SNAP_ENGINE"] = "off" };

    private Dictionary<string, string?> EngineEnvirons(string? fault) => new() { ["SNAP_STORE"] = _directory["store"], ["SNAP_FAULT"] = fault };

    private bool IsListening() => EngineStatus().GetProperty("running").GetBoolean();

    private void KillEngine()
    {
        if (EngineStatus() is var status && !status.GetProperty("running").GetBoolean())
            return;
        using ProcessHandle? engine = ProcessHandle.OpenOrGone(status.GetProperty("engine").GetProperty("pid").GetInt32());
        engine?.TrySignal(Signal.SIGKILL);
        engine?.WaitForExit((int)Patience.Limit.TotalMilliseconds);
    }

    private JsonElement EngineStatus() => JsonDocument.Parse(Command.Run(snap, ["engine", "status", "--json"], EngineEnvirons(null)).Output).RootElement;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
