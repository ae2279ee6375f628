using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Snap.Kernel;
using Snap.Kernel.Procfs;

namespace Snap.Bench;

/// <summary>How long a target stands still: a full snapshot against gcore of the same process in the same run, and increments with 1 % of its pages dirty.</summary>
internal static class PauseBench
{
    public static int Run(string[] arguments)
    {
        int mebibytes = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : 1024;
        string directory = Directory.CreateTempSubdirectory("snap-bench-").FullName;
        try
        {
            Full(directory, mebibytes);
            Increments(directory, mebibytes);
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static void Full(string directory, int mebibytes)
    {
        using var target = new GapSpinner(directory, mebibytes, 0, 100, 5);
        var gcore = new Spread();
        var pause = new Spread();
        var gap = new Spread();
        double peak = 0;
        for (int round = 0; round < 3; round++)
        {
            target.LongestGap();
            SnapBinary.Run("gcore", "-o", Path.Combine(directory, "core"), $"{target.Pid}");
            gcore.Add(target.LongestGap() / 1000);
            foreach (string core in Directory.GetFiles(directory, "core*"))
                File.Delete(core);
            string store = Path.Combine(directory, $"store{round}");
            target.LongestGap();
            using var memory = new PeakMemory();
            JsonNode taken = JsonNode.Parse(SnapBinary.Run(SnapBinary.Path, "take", $"{target.Pid}", "--store", store, "--json").Output)!;
            peak = Math.Max(peak, memory.Stop());
            gap.Add(target.LongestGap() / 1000);
            pause.Add(taken["pauseMicroseconds"]!.GetValue<double>() / 1000);
            Directory.Delete(store, recursive: true);
        }

        Console.WriteLine($"full snapshot of {mebibytes} MiB, ms:");
        Console.WriteLine($"  gcore stops a thread for   {gcore}");
        Console.WriteLine($"  snap take: pause           {pause}");
        Console.WriteLine($"  snap take: longest gap     {gap}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  ratio gcore / pause        {gcore.Median / pause.Median:F0}   (longest gap: {gcore.Median / gap.Median:F0})"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  peak memory of all snap processes  {peak:F0} MiB (proportional set size)"));
    }

    private static void Increments(string directory, int mebibytes)
    {
        int dirty = mebibytes * 256 / 100;
        using var target = new GapSpinner(directory, mebibytes, dirty, 250, 5);
        string store = Path.Combine(directory, "increments");
        SnapBinary.Run(SnapBinary.Path, "watch", $"{target.Pid}", "--every", "250ms", "--count", "40", "--store", store);
        double gap = target.LongestGap();
        var pause = new Spread();
        var pages = new Spread();
        foreach (JsonNode? snapshot in JsonNode.Parse(SnapBinary.Run(SnapBinary.Path, "log", "--store", store, "--json").Output)!.AsArray())
        {
            if (snapshot!["full"]!.GetValueKind() == JsonValueKind.True)
                continue;
            pause.Add(snapshot["pauseMicroseconds"]!.GetValue<double>() / 1000);
            pages.Add(snapshot["pagesDirty"]!.GetValue<double>());
        }

        Console.WriteLine($"increments of {mebibytes} MiB with 1 % written each 250 ms:");
        Console.WriteLine($"  pause, ms                  {pause}");
        Console.WriteLine($"  dirty pages                {pages}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  longest gap of a thread, first full snapshot included, ms  {gap / 1000:F2}"));
    }

    /// <summary>Samples the memory of every process that runs the snap binary.</summary>
    private sealed class PeakMemory : IDisposable
    {
        private readonly Thread _thread;
        private volatile bool _stop;
        private double _peak;

        public PeakMemory()
        {
            _thread = new Thread(Sample) { IsBackground = true };
            _thread.Start();
        }

        public double Stop()
        {
            _stop = true;
            _thread.Join();
            return _peak;
        }

        public void Dispose() => _stop = true;

        private void Sample()
        {
            string name = new FileInfo(SnapBinary.Path).FullName;
            while (!_stop)
            {
                double sum = 0;
                foreach (int pid in ProcessTable.ListPids())
                {
                    if (ProgramOf(pid) == name)
                        sum += Proportional(pid);
                }

                _peak = Math.Max(_peak, sum);
                Thread.Sleep(20);
            }
        }

        // Of some processes, init among them, not even root may see it.
        private static string? ProgramOf(int pid)
        {
            try
            {
                return TaskFiles.OfProcess(pid).ReadExecutable()?.Path;
            }
            catch (KernelException)
            {
                return null;
            }
        }

        private static double Proportional(int pid)
        {
            try
            {
                string line = File.ReadLines($"/proc/{pid}/smaps_rollup").First(text => text.StartsWith("Pss:", StringComparison.Ordinal));
                return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
            }
            catch (IOException)
            {
                return 0;
            }
        }
    }
}
