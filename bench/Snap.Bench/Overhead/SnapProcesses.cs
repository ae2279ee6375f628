using System.Globalization;
using System.Text.Json.Nodes;
using Snap.Kernel.Procfs;

namespace Snap.Bench.Overhead;

/// <summary>An engine and its tracers: processor time and memory.</summary>
internal sealed class SnapProcesses
{
    private readonly int _engine;

    /// <summary>Of a store's running engine.</summary>
    public SnapProcesses(string store) => _engine =
        JsonNode.Parse(SnapBinary.Run(SnapBinary.Path, "engine", "status", "--json", "--store", store).Output)!["engine"]!["pid"]!.GetValue<int>();

    /// <summary>Milliseconds of processor time until now.</summary>
    public double ProcessorMs()
    {
        const double ticksPerSecond = 100; // USER_HZ, proc_pid_stat(5)
        return All().Sum(process => (double)(process.UserTime + process.SystemTime)) * 1000 / ticksPerSecond;
    }

    /// <summary>Proportional set size of all of them, MiB.</summary>
    public double Mebibytes()
    {
        double kibibytes = 0;
        foreach (ProcStat process in All())
        {
            string? line = File.ReadLines($"/proc/{process.Pid}/smaps_rollup").FirstOrDefault(text => text.StartsWith("Pss:", StringComparison.Ordinal));
            kibibytes += line is null ? 0 : double.Parse(line[4..^2], CultureInfo.InvariantCulture);
        }

        return kibibytes / 1024;
    }

    private IEnumerable<ProcStat> All() => ProcessTable.ReadAll().Where(process => process.Pid == _engine || process.ParentPid == _engine);
}
