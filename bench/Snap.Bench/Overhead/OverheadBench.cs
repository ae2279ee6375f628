using System.Globalization;
using System.Text.Json.Nodes;

namespace Snap.Bench.Overhead;

/// <summary>What frequent checkpoints cost a program: throughput and 99th percentile beside undisturbed windows of the same run, and Snap's own processor time.</summary>
internal static class OverheadBench
{
    private static readonly int[] _rates = [0, 1, 10, 50];

    /// <summary>All workloads, or those whose names hold the text given.</summary>
    public static int Run(string[] arguments)
    {
        string wanted = arguments.Length > 0 ? arguments[0] : "";
        TimeSpan window = TimeSpan.FromSeconds(arguments.Length > 1 ? double.Parse(arguments[1], CultureInfo.InvariantCulture) : 4);
        int rounds = arguments.Length > 2 ? int.Parse(arguments[2], CultureInfo.InvariantCulture) : 3;
        string directory = Directory.CreateTempSubdirectory("snap-bench-").FullName;
        try
        {
            Console.WriteLine($"{"program",-34} {"a second",8} {"made",6} {"throughput",11} {"p99 us",9} {"undisturbed",11} {"pages each",10} {"CPU ms/s",9} {"us/page",8} {"MiB/min",8} {"PSS MiB",8}");
            foreach ((string name, Func<Workload> start) in Workloads(directory))
            {
                if (!name.Contains(wanted, StringComparison.Ordinal))
                    continue;
                using Workload work = start();
                Measure(directory, work, window, rounds);
            }

            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static IEnumerable<(string Name, Func<Workload> Start)> Workloads(string directory)
    {
        const int mebibytes = 256;
        foreach (double percent in new[] { 0.1, 1, 10 })
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"C, {mebibytes} MiB, {percent} % written");
            string pages = ((int)(mebibytes * 256 * percent / 100)).ToString(CultureInfo.InvariantCulture);
            yield return (name, () => new CountingWorkload(name, BenchProgram.Compile(directory, "work_memory"), $"{mebibytes}", pages));
        }

        yield return ("python3", () => new CountingWorkload("python3, a dictionary that grows", "python3", BenchProgram.PathOf("work_python.py")));
        yield return (".NET server", () => new DotnetServer(directory));
        foreach ((int keys, bool onlyWrites) in new[] { (1_000, true), (10_000, false), (10_000, true), (100_000, true) })
            yield return ($"redis {keys}", () => new RedisWorkload(directory, keys, onlyWrites));
    }

    private static void Measure(string directory, Workload work, TimeSpan window, int rounds)
    {
        var windows = _rates.ToDictionary(rate => rate, _ => new Windows());
        work.Measure(TimeSpan.FromSeconds(1));
        for (int round = 0; round < rounds; round++)
        {
            foreach (int rate in _rates)
                windows[rate].Add(rate == 0 ? work.Measure(window) : Watched(directory, work, window, rate, windows[rate]));
        }

        Windows alone = windows[0];
        foreach (int rate in _rates.Where(rate => rate > 0))
        {
            Windows watched = windows[rate];
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
                {work.Name,-34} {rate,8} {watched.Made.Median,6:F1} {watched.Throughput.Median / alone.Throughput.Median,11:P1} {watched.P99.Median,9:F0} {alone.P99.Median,11:F0} {watched.Pages.Median,10:F0} {watched.ProcessorMs.Median,9:F0} {watched.PerPage.Median,8:F2} {watched.Mebibytes.Median,8:F1} {watched.Memory.Median,8:F0}
                """));
        }
    }

    private static (double Throughput, double P99) Watched(string directory, Workload work, TimeSpan window, int rate, Windows into)
    {
        string store = Path.Combine(directory, "store");
        string[] target = ["-c", Workload.OtherProcessor, SnapBinary.Path];
        SnapBinary.Run("taskset", [.. target, "take", $"{work.Pid}", "--store", store, "--name", "bench", .. work.SnapArguments]);
        SnapBinary.Run("taskset", [.. target, "watch", $"{work.Pid}", "--every", $"{1000 / rate}ms", "--detach", "--store", store, "--name", "bench", .. work.SnapArguments]);
        var processes = new SnapProcesses(store);
        int before = Log(store).Count;
        double processorMs = processes.ProcessorMs();
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        (double Throughput, double P99) measured = work.Measure(window);
        double seconds = System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds;
        processorMs = processes.ProcessorMs() - processorMs;
        into.Memory.Add(processes.Mebibytes());
        SnapBinary.Run(SnapBinary.Path, "unwatch", $"{work.Pid}", "--store", store);
        JsonArray log = Log(store);
        List<JsonNode> made = [.. log.Take(log.Count - before).OfType<JsonNode>()];
        double pages = made.Sum(one => one["pagesDirty"]!.GetValue<double>());
        into.Made.Add(made.Count / seconds);
        into.Pages.Add(pages / Math.Max(1, made.Count));
        into.ProcessorMs.Add(processorMs / seconds);
        into.PerPage.Add(processorMs * 1000 / Math.Max(1, pages));
        into.Mebibytes.Add(made.Sum(one => one["bytesStored"]!.GetValue<double>()) / (1 << 20) * 60 / seconds);
        SnapBinary.Run(SnapBinary.Path, "engine", "stop", "--store", store);
        Directory.Delete(store, recursive: true);
        return measured;
    }

    private static JsonArray Log(string store) => JsonNode.Parse(SnapBinary.Run(SnapBinary.Path, "log", "--store", store, "--json").Output)!.AsArray();

    /// <summary>The windows of one rate.</summary>
    private sealed class Windows
    {
        public Spread Throughput { get; } = new();

        public Spread P99 { get; } = new();

        public Spread Made { get; } = new();

        public Spread Pages { get; } = new();

        public Spread ProcessorMs { get; } = new();

        public Spread PerPage { get; } = new();

        public Spread Mebibytes { get; } = new();

        public Spread Memory { get; } = new();

        public void Add((double Throughput, double P99) measured)
        {
            Throughput.Add(measured.Throughput);
            P99.Add(measured.P99);
        }
    }
}
