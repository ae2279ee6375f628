using System.Globalization;
using System.Text.Json.Nodes;

namespace Snap.Bench;

/// <summary>What a person waits for: start-up, a warm take of a small process with 5 threads, its restore.</summary>
internal static class CommandBench
{
    public static int Run(string[] arguments)
    {
        int runs = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : 20;
        string directory = Directory.CreateTempSubdirectory("snap-bench-").FullName;
        try
        {
            string store = Path.Combine(directory, "store");
            var nothing = new Spread();
            var version = new Spread();
            var take = new Spread();
            var restore = new Spread();
            for (int run = 0; run <= runs; run++)
            {
                TimeSpan spawn = SnapBinary.Run("true").Time;
                TimeSpan start = SnapBinary.Run(SnapBinary.Path, "--version").Time;
                TimeSpan taken, restored;
                using (var target = new GapSpinner(directory, 4, 0, 100, 5))
                {
                    SnapBinary.Run(SnapBinary.Path, "take", $"{target.Pid}", "--store", store, "--name", "small");
                    taken = SnapBinary.Run(SnapBinary.Path, "take", $"{target.Pid}", "--store", store, "--name", "small").Time;
                }

                (string output, restored) = SnapBinary.RunForLine(SnapBinary.Path, "restore", "small", "--store", store, "--json");
                Kill(JsonNode.Parse(output)!["pid"]!.GetValue<int>());
                if (run == 0)
                    continue; // the first run reads everything from disk
                nothing.Add(spawn.TotalMilliseconds);
                version.Add(start.TotalMilliseconds);
                take.Add(taken.TotalMilliseconds);
                restore.Add(restored.TotalMilliseconds);
            }

            Console.WriteLine("whole commands, ms:");
            Console.WriteLine($"  true            {nothing}");
            Console.WriteLine($"  snap --version  {version}");
            Console.WriteLine($"  snap take       {take}");
            Console.WriteLine($"  snap restore    {restore}");
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static void Kill(int pid)
    {
        using Kernel.Processes.ProcessHandle? process = Kernel.Processes.ProcessHandle.OpenOrGone(pid);
        process?.TrySignal(Kernel.Abi.Signal.SIGKILL);
        process?.WaitForExit(5000);
    }
}
