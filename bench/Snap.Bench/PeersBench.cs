// The store against restic, borg and zstd --patch-from on the same images, interleaved, in one run. Every version is read back and compared
// before its figures count. CPU time is that of the process and its children (RUSAGE_CHILDREN), whatever the program.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Snap.Bench;

internal sealed class PeersBench(string work, int rounds)
{
    private static readonly string[] _peers = ["snap", "snap, dirty pages only", "restic", "borg", "zstd --patch-from"];
    private readonly string _worker = Environment.GetEnvironmentVariable("SNAP_STORE_WORK") is { Length: > 0 } named && File.Exists(named) ? named
        : throw new InvalidOperationException("SNAP_STORE_WORK names no published store-work: dotnet publish bench/StoreWork -c Release -r linux-x64 -o out/bench");
    private readonly Dictionary<(string Peer, string Figure), List<double>> _figures = [];

    private string Images => Path.Combine(work, "images");

    public static int Run(string[] args)
    {
        double scale = args.Length > 0 ? double.Parse(args[0], CultureInfo.InvariantCulture) : 1;
        int rounds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 3;
        const int Seed = 4711;
        string work = Directory.CreateTempSubdirectory("snap-peers-").FullName;
        try
        {
            var bench = new PeersBench(work, rounds);
            new MemoryImages(bench.Images, Seed, scale).Make();
            bench.Describe(Seed, scale);
            bench.Measure();
            bench.Report();
            return 0;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private void Describe(int seed, double scale)
    {
        Console.WriteLine($"seed {seed}, scale {scale}, rounds {rounds}; {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, .NET {Environment.Version}");
        Console.WriteLine($"{Line("restic", "version")}; {Line("borg", "--version")}; {Line("zstd", "--version")}");
        foreach (string name in ImageFiles.Names(Images))
        {
            Console.Write($"  {name,-14}");
            for (int version = 1; version <= MemoryImages.Moments; version++)
            {
                long size = new FileInfo(ImageFiles.PathOf(Images, version, name + ".img")).Length;
                string dirty = "";
                if (version > 1)
                {
                    StoreWork.WriteDirty(Images, name, version);
                    byte[] flags = File.ReadAllBytes(ImageFiles.PathOf(Images, version, name + ".dirty"));
                    dirty = string.Create(CultureInfo.InvariantCulture, $" ({100.0 * flags.Count(flag => flag != 0) / flags.Length:0.0} % dirty)");
                }
                Console.Write(string.Create(CultureInfo.InvariantCulture, $"  {size / 1048576.0:0.0} MiB{dirty}"));
            }
            Console.WriteLine();
        }
    }

    private void Measure()
    {
        for (int round = 0; round < rounds; round++)
        {
            // Whoever comes first finds the machine in another state than the others: everyone does once.
            string[] order = [.. _peers.Skip(round % _peers.Length), .. _peers.Take(round % _peers.Length)];
            for (int version = 1; version <= MemoryImages.Moments; version++)
            {
                foreach (string peer in order)
                {
                    string repository = Path.Combine(work, $"{peer.Replace(' ', '-')}-{round}");
                    long before = SizeOf(repository);
                    Stage(version);
                    (double wall, double cpu) = Timed(() => AddVersion(peer, repository, version));
                    Note(peer, $"bytes {version}", (SizeOf(repository) - before) / 1048576.0);
                    Note(peer, $"add cpu {version}", cpu);
                    Note(peer, $"add wall {version}", wall);
                }
            }
            foreach (string peer in order)
            {
                string repository = Path.Combine(work, $"{peer.Replace(' ', '-')}-{round}");
                string into = Path.Combine(work, "back");
                (double wall, double cpu) = Timed(() => ReadVersion(peer, repository, MemoryImages.Moments, into));
                Note(peer, "read wall", wall);
                Note(peer, "read cpu", cpu);
                Compare(peer, into);
                Directory.Delete(into, recursive: true);
                Directory.Delete(repository, recursive: true);
            }
        }
    }

    /// <summary>The images under the same paths each time, as a backup tool expects its source.</summary>
    private void Stage(int version)
    {
        string current = Path.Combine(work, "current");
        Directory.CreateDirectory(current);
        foreach (string name in ImageFiles.Names(Images))
            File.Copy(ImageFiles.PathOf(Images, version, name + ".img"), Path.Combine(current, name + ".img"), overwrite: true);
    }

    private void AddVersion(string peer, string repository, int version)
    {
        string current = Path.Combine(work, "current");
        switch (peer)
        {
            case "restic":
                if (version == 1)
                    Do("restic", ["-q", "-r", repository, "init"]);
                Do("restic", ["-q", "-r", repository, "--compression", "auto", "backup", current, "--tag", $"v{version}"]);
                break;
            case "borg":
                if (version == 1)
                    Do("borg", ["init", "-e", "none", repository]);
                Do("borg", ["create", "--compression", "zstd,1", $"{repository}::v{version}", "current"]);
                break;
            case "zstd --patch-from":
                Directory.CreateDirectory(repository);
                foreach (string name in ImageFiles.Names(Images))
                {
                    string output = Path.Combine(repository, $"{name}.{version}.zst");
                    string image = ImageFiles.PathOf(Images, version, name + ".img");
                    Do("zstd", version == 1 ? ["-q", "-1", image, "-o", output]
                        : ["-q", "-1", "--long=31", $"--patch-from={ImageFiles.PathOf(Images, version - 1, name + ".img")}", image, "-o", output]);
                }
                break;
            default:
                Do(_worker, ["store-add", repository, Images, version.ToString(CultureInfo.InvariantCulture), peer == "snap" ? "all" : "dirty"]);
                break;
        }
    }

    private void ReadVersion(string peer, string repository, int version, string into)
    {
        Directory.CreateDirectory(into);
        switch (peer)
        {
            case "restic":
                Do("restic", ["-q", "-r", repository, "restore", "latest", "--target", into]);
                break;
            case "borg":
                Do("borg", ["extract", $"{repository}::v{version}"], into);
                break;
            case "zstd --patch-from":
                foreach (string name in ImageFiles.Names(Images))
                {
                    // A chain: every version before it is made first.
                    for (int step = 1; step <= version; step++)
                    {
                        string source = Path.Combine(repository, $"{name}.{step}.zst");
                        string output = Path.Combine(into, step == version ? $"{name}.img" : $"{name}.{step}");
                        Do("zstd", step == 1 ? ["-q", "-d", source, "-o", output] : ["-q", "-d", "--long=31", $"--patch-from={Path.Combine(into, $"{name}.{step - 1}")}", source, "-o", output]);
                    }
                }
                break;
            default:
                Do(_worker, ["store-read", repository, version.ToString(CultureInfo.InvariantCulture), into]);
                break;
        }
    }

    private void Compare(string peer, string into)
    {
        foreach (string name in ImageFiles.Names(Images))
        {
            string back = Directory.EnumerateFiles(into, name + ".img", SearchOption.AllDirectories).Single();
            if (!Hash(back).SequenceEqual(Hash(ImageFiles.PathOf(Images, MemoryImages.Moments, name + ".img"))))
                throw new InvalidOperationException($"{peer} gave other bytes back for {name}");
        }
    }

    private static byte[] Hash(string path)
    {
        using FileStream file = File.OpenRead(path);
        return SHA256.HashData(file);
    }

    private void Report()
    {
        Console.WriteLine("\nMiB and seconds: median (lowest-highest) of the rounds");
        string[] figures = ["bytes 1", "bytes 2", "bytes 3", "add cpu 1", "add cpu 2", "add cpu 3", "add wall 1", "add wall 2", "add wall 3", "read cpu", "read wall"];
        Console.WriteLine($"| | {string.Join(" | ", _peers)} |\n| --- |{string.Concat(_peers.Select(_ => " --- |"))}");
        foreach (string figure in figures)
            Console.WriteLine($"| {figure} | {string.Join(" | ", _peers.Select(peer => Text(_figures[(peer, figure)])))} |");
        double Sum(string peer, string figure) => Median(peer, figure + " 2") + Median(peer, figure + " 3");
        foreach (string peer in _peers[2..])
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"against {peer}: bytes of 2 and 3 1/{Sum(peer, "bytes") / Sum("snap", "bytes"):0.0}, cpu 1/{Sum(peer, "add cpu") / Sum("snap", "add cpu"):0.0}, wall 1/{Sum(peer, "add wall") / Sum("snap", "add wall"):0.0}, read {Median(peer, "read wall") / Median("snap", "read wall"):0.0}x faster"));
        }
    }

    private double Median(string peer, string figure)
    {
        double[] sorted = [.. _figures[(peer, figure)].Order()];
        return sorted[sorted.Length / 2];
    }

    private static string Text(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return string.Create(CultureInfo.InvariantCulture, $"{sorted[sorted.Length / 2]:0.00} ({sorted[0]:0.00}-{sorted[^1]:0.00})");
    }

    private void Note(string peer, string figure, double value)
    {
        if (!_figures.TryGetValue((peer, figure), out List<double>? values))
            _figures[(peer, figure)] = values = [];
        values.Add(value);
    }

    private static long SizeOf(string directory) => Directory.Exists(directory)
        ? Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Where(path => Path.GetFileName(path) != "reserve").Sum(path => new FileInfo(path).Length) : 0;

    private void Do(string program, string[] arguments, string? directory = null)
    {
        var start = new ProcessStartInfo(program) { WorkingDirectory = directory ?? work, RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["RESTIC_PASSWORD"] = "bench";
        start.Environment["RESTIC_CACHE_DIR"] = Path.Combine(work, "restic-cache");
        start.Environment["BORG_BASE_DIR"] = Path.Combine(work, "borg-base");
        start.Environment["BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK"] = "yes";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error.Result}");
    }

    private static string Line(string program, string argument)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, argument) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output.Split('\n')[0].Trim();
    }

    private static (double Wall, double Cpu) Timed(Action step)
    {
        // What the one before wrote is not to be written on this one's time.
        WriteBack();
        double before = ChildrenCpu();
        long begun = Stopwatch.GetTimestamp();
        step();
        return (Stopwatch.GetElapsedTime(begun).TotalSeconds, ChildrenCpu() - before);
    }

    /// <summary>User and system seconds of all children that ended (getrusage(2), RUSAGE_CHILDREN).</summary>
    private static double ChildrenCpu()
    {
        long[] usage = new long[18];
        if (GetUsage(-1, usage) != 0)
            throw new InvalidOperationException("getrusage failed");
        return usage[0] + usage[2] + ((usage[1] + usage[3]) / 1e6);
    }

    [DllImport("libc", EntryPoint = "sync")]
    private static extern void WriteBack();

    [DllImport("libc", EntryPoint = "getrusage")]
    private static extern int GetUsage(int who, [Out] long[] usage);
}
