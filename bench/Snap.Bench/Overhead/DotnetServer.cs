using System.Diagnostics;
using System.Net.Sockets;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;

namespace Snap.Bench.Overhead;

/// <summary>A .NET server of one connection on a Unix socket: each request of 8 bytes looks up orders, changes one and adds a line to it.</summary>
internal sealed class DotnetServer : Workload
{
    private const int Orders = 50_000;
    private readonly ChildProcess _server;
    private readonly Socket _client;

    public DotnetServer(string directory)
    {
        string path = Path.Combine(directory, "dotnet.sock");
        _server = ChildProcess.Start(new SpawnOptions
        {
            Program = "taskset", CloseOthers = true,
            Arguments = ["-c", Processor, "env", "DOTNET_EnableDiagnostics=0", Environment.ProcessPath!, Path.Combine(AppContext.BaseDirectory, "Snap.Bench.dll"), "serve", path],
        });
        var patience = Stopwatch.StartNew();
        for (;;)
        {
            _client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                _client.Connect(new UnixDomainSocketEndPoint(path));
                break;
            }
            catch (SocketException) when (patience.Elapsed < TimeSpan.FromSeconds(20))
            {
                _client.Dispose();
                Thread.Sleep(20);
            }
        }
    }

    public override string Name => ".NET server, 50,000 orders";

    public override int Pid => _server.Pid;

    public override string[] SnapArguments => ["--connections", "drop"];

    /// <summary>The server's side.</summary>
    public static int Serve(string path)
    {
        var random = new Random(1);
        var orders = new Dictionary<int, List<double>>();
        for (int i = 0; i < Orders; i++)
            orders[i] = [random.NextDouble(), random.NextDouble()];
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        using Socket client = listener.Accept();
        var request = new byte[8];
        while (ReceiveAll(client, request))
        {
            double sum = 0;
            for (int i = 0; i < 20; i++)
                sum += orders[random.Next(Orders)].Sum();
            List<double> order = orders[random.Next(Orders)];
            order.Add(sum);
            if (order.Count > 40)
                orders[random.Next(Orders)] = [sum];
            BitConverter.TryWriteBytes(request, sum);
            client.Send(request);
        }

        return 0;
    }

    public override (double Throughput, double P99) Measure(TimeSpan time)
    {
        var times = new Spread();
        var bytes = new byte[8];
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            long asked = Stopwatch.GetTimestamp();
            _client.Send(bytes);
            if (!ReceiveAll(_client, bytes))
                throw new InvalidOperationException("the server ended");
            times.Add(Stopwatch.GetElapsedTime(asked).TotalMicroseconds);
        }

        return (times.Count / Stopwatch.GetElapsedTime(start).TotalSeconds, times.At(0.99));
    }

    public override void Dispose()
    {
        _client.Dispose();
        _server.Signal(Signal.SIGKILL);
        _server.Wait();
    }

    private static bool ReceiveAll(Socket socket, byte[] into)
    {
        for (int at = 0; at < into.Length;)
        {
            int got = socket.Receive(into, at, into.Length - at, SocketFlags.None);
            if (got == 0)
                return false;
            at += got;
        }

        return true;
    }
}
