using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Snap.Bench;

/// <summary>Pauses of increments with 1 % of the pages dirty in each interval, and the longest gap that a spinning thread of the target sees, live passes included.</summary>
internal static class PausesBench
{
    private const int Snapshots = 40;

    public static int Run(string[] arguments)
    {
        int[] sizes = arguments.Length > 0 ? [.. arguments.Select(text => int.Parse(text, CultureInfo.InvariantCulture))] : [4, 256, 1024, 4096];
        Console.WriteLine($"{"MiB",6} {"threads",8} {"pattern",11} {"pause ms",10} {"p99",8} {"longest gap",12} {"dirty",7}");
        foreach (int size in sizes)
        {
            foreach ((int threads, bool isSequential) in new[] { (3, false), (3, true), (8, false), (64, false) })
                Measure(size, threads, isSequential);
        }

        return 0;
    }

    private static void Measure(int mebibytes, int threads, bool isSequential)
    {
        // 1 % of 4 GiB four times a second is more than two processors can encode.
        int intervalMs = mebibytes > 2048 ? 1000 : 250;
        string directory = Directory.CreateTempSubdirectory("snap-bench-").FullName;
        try
        {
            string store = Path.Combine(directory, "store");
            using var target = new GapSpinner(directory, mebibytes, Math.Max(25, mebibytes * 256 / 100), intervalMs, threads, isSequential);
            SnapBinary.Run(SnapBinary.Path, "take", $"{target.Pid}", "--store", store, "--name", "bench");
            SnapBinary.Run(SnapBinary.Path, "take", $"{target.Pid}", "--store", store, "--name", "bench");
            target.LongestGap();
            SnapBinary.Run(SnapBinary.Path, "watch", $"{target.Pid}", "--every", $"{intervalMs}ms", "--count", $"{Snapshots}", "--store", store, "--name", "bench");
            double gap = target.LongestGap() / 1000;
            var pause = new Spread();
            var pages = new Spread();
            foreach (JsonNode? snapshot in JsonNode.Parse(SnapBinary.Run(SnapBinary.Path, "log", "--store", store, "--json").Output)!.AsArray().Take(Snapshots))
            {
                if (snapshot!["full"]!.GetValueKind() == JsonValueKind.True)
                    throw new InvalidOperationException("a snapshot of the watch was full");
                pause.Add(snapshot["pauseMicroseconds"]!.GetValue<double>() / 1000);
                pages.Add(snapshot["pagesDirty"]!.GetValue<double>());
            }

            SnapBinary.Run(SnapBinary.Path, "engine", "stop", "--store", store);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{mebibytes,6} {threads,8} {(isSequential ? "sequential" : "random"),11} {pause.Median,10:F2} {pause.At(0.99),8:F2} {gap,12:F2} {pages.Median,7:F0}"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
