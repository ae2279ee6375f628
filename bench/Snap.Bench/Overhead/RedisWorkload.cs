using System.Diagnostics;
using System.Globalization;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;

namespace Snap.Bench.Overhead;

/// <summary>redis-server on a Unix socket, with redis-benchmark: 8 clients, values of 100 bytes, keys drawn from a key space; a share of the requests are SETs.</summary>
internal sealed class RedisWorkload : Workload
{
    private readonly ChildProcess _server;
    private readonly string _socket;
    private readonly int _keys;
    private readonly bool _onlyWrites;
    private int _requests = 50_000;

    public RedisWorkload(string directory, int keys, bool onlyWrites)
    {
        (_keys, _onlyWrites) = (keys, onlyWrites);
        Name = string.Create(CultureInfo.InvariantCulture, $"redis, {keys} keys, {(onlyWrites ? 100 : 50)} % SET");
        _socket = Path.Combine(directory, $"redis-{keys}-{onlyWrites}.sock");
        string log = Path.Combine(directory, "redis.log");
        _server = ChildProcess.Start(new SpawnOptions
        {
            Program = "taskset", CloseOthers = true,
            Arguments = ["-c", Processor, "redis-server", "--port", "0", "--unixsocket", _socket, "--save", "", "--appendonly", "no", "--logfile", log, "--dir", directory],
        });
        var patience = Stopwatch.StartNew();
        while (!File.Exists(_socket))
        {
            if (patience.Elapsed > TimeSpan.FromSeconds(20))
                throw new InvalidOperationException($"redis-server did not start: {File.ReadAllText(log)}");
            Thread.Sleep(20);
        }

        // Every key exists before anything is measured.
        Benchmark("set", _keys * 4);
    }

    public override string Name { get; }

    public override int Pid => _server.Pid;

    public override string[] SnapArguments => ["--connections", "drop"];

    public override (double Throughput, double P99) Measure(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        double requests = 0, p99 = 0;
        do
        {
            (double _, double set) = Benchmark("set", _requests);
            requests += _requests;
            double get = 0;
            if (!_onlyWrites)
            {
                (_, get) = Benchmark("get", _requests);
                requests += _requests;
            }

            p99 = Math.Max(p99, Math.Max(set, get));
        }
        while (Stopwatch.GetElapsedTime(start) < time);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        _requests = (int)Math.Max(10_000, requests / seconds / (_onlyWrites ? 1 : 2));
        return (requests / seconds, p99);
    }

    public override void Dispose()
    {
        _server.Signal(Signal.SIGKILL);
        _server.Wait();
    }

    // The last line: "SET","rps","avg","min","p50","p95","p99","max", times in milliseconds.
    private (double Throughput, double P99) Benchmark(string test, int requests)
    {
        string output = SnapBinary.Run("taskset", "-c", OtherProcessor, "redis-benchmark", "-s", _socket, "--csv", "-c", "8", "-d", "100", "-t", test,
            "-r", $"{_keys}", "-n", $"{requests}").Output;
        double[] fields = [.. output.TrimEnd().Split('\n')[^1].Split(',')[1..].Select(field => double.Parse(field.Trim('"', '\r'), CultureInfo.InvariantCulture))];
        return (fields[0], fields[5] * 1000);
    }
}
