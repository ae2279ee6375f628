// Images of the writable memory of real programs at three moments, made with fixed seeds, as files that any backup tool can take:
//   DIR/vN/NAME.img   the present pages of all writable mappings, ascending, one after another
//   DIR/vN/NAME.map   a line each run of pages: first page (hex), pages
// Programs: python3, node, .NET, redis-server, sqlite3, cc1. Each is stopped (SIGSTOP) while it is read.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Snap.Bench;

internal sealed class MemoryImages(string directory, int seed, double scale)
{
    public const int Moments = 3;
    private const int PageSize = 4096;

    public void Make()
    {
        for (int version = 1; version <= Moments; version++)
            Directory.CreateDirectory(Path.Combine(directory, $"v{version}"));
        string sources = Path.Combine(AppContext.BaseDirectory, "images");
        Steps("python3", "python3", [Path.Combine(sources, "python.py"), Text(seed), Size(150_000)]);
        Steps("node", "node", [Path.Combine(sources, "node.js"), Text(seed), Size(150_000)]);
        Steps("dotnet", "dotnet", [Path.Combine(AppContext.BaseDirectory, "Snap.Bench.dll"), "work", Text(seed), Size(250_000)]);
        Redis();
        Sqlite();
        Compiler();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private string Size(int full) => Text(Math.Max(1000, (int)(full * scale)));

    private void Steps(string name, string program, string[] arguments, Func<int, string>? step = null, int ready = 1)
    {
        using Process process = Start(program, arguments);
        try
        {
            if (step is not null)
                process.StandardInput.WriteLine(step(0));
            for (int line = 0; line < ready; line++)
                Expect(process, name);
            Dump(process.Id, name, 1);
            for (int version = 2; version <= Moments; version++)
            {
                process.StandardInput.WriteLine(step is null ? "go" : step(version - 1));
                process.StandardInput.Flush();
                Expect(process, name);
                Dump(process.Id, name, version);
            }
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
        }
    }

    private void Sqlite() => Steps("sqlite3", "sqlite3", [":memory:"], step => step == 0
        ? $"""
           create table account(id integer primary key, owner text, balance real, note text);
           with recursive n(i) as (select 1 union all select i + 1 from n where i < {Size(500_000)})
             insert into account select i, 'owner ' || (i * 2654435761 % 99991), i * 7919 % 100003 / 7.0, hex(i * 40503 % 65537) from n;
           create index by_owner on account(owner);
           select 'ready';
           """
        : $"""
           update account set balance = balance + 1 where (id * 7919 + {seed + step}) % 500 = 0 or id between {step * 5000} and {step * 5000} + 20000;
           insert into account(owner, balance, note) select owner || '{step}', balance, note from account where id % 100 = {step};
           select 'ok';
           """);

    private void Redis()
    {
        string socket = Path.Combine(Path.GetTempPath(), $"snap-bench-{Environment.ProcessId}.sock");
        using Process server = Start("redis-server", ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--daemonize", "no"]);
        server.OutputDataReceived += (_, _) => { };
        server.BeginOutputReadLine();
        try
        {
            while (!File.Exists(socket))
                Thread.Sleep(20);
            var random = new Random(seed);
            int keys = int.Parse(Size(250_000), CultureInfo.InvariantCulture);
            for (int version = 1; version <= Moments; version++)
            {
                int count = version == 1 ? keys : keys / 15;
                Feed(socket, Enumerable.Range(0, count).Select(i => version == 1 ? i : random.Next(keys + (keys / 20)))
                    .Select(key => $"SET key:{key} {random.NextInt64():x}-{key}-{new string((char)('a' + (key % 26)), 60)}"));
                Dump(server.Id, "redis-server", version);
            }
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
            File.Delete(socket);
        }
    }

    private static void Feed(string socket, IEnumerable<string> commands)
    {
        using Process client = Start("redis-cli", ["-s", socket, "--pipe"]);
        foreach (string command in commands)
            client.StandardInput.Write(command + "\r\n");
        client.StandardInput.Close();
        client.StandardOutput.ReadToEnd();
        client.WaitForExit();
    }

    /// <summary>cc1 at work on one large file: three moments a third of its time apart.</summary>
    private void Compiler()
    {
        string work = Directory.CreateTempSubdirectory("snap-bench-").FullName;
        try
        {
            string source = Path.Combine(work, "large.c");
            var random = new Random(seed);
            File.WriteAllLines(source, Enumerable.Range(0, int.Parse(Size(12_000), CultureInfo.InvariantCulture)).Select(i =>
                $"struct s{i} {{ int a[{1 + random.Next(9)}]; double b; }}; double f{i}(struct s{i} *p, int n) {{ double t = {random.Next(1000)}; for (int j = 0; j < n; j++) t += p[j].b * {random.Next(100)} + p[j].a[0] / (t + {i}); return t; }}"));
            using Process cc1 = Start(Capture("gcc", "-print-prog-name=cc1"), ["-quiet", "-O2", source, "-o", Path.Combine(work, "large.s")]);
            double[] moments = [2.0 * scale, 2.5 * scale, 3.0 * scale];
            for (int version = 1; version <= Moments; version++)
            {
                while (!cc1.HasExited && cc1.TotalProcessorTime.TotalSeconds < moments[version - 1])
                    Thread.Sleep(2);
                if (cc1.HasExited)
                    throw new InvalidOperationException($"the compiler ended before moment {version}; the machine is faster than this benchmark foresees");
                Dump(cc1.Id, "gcc-cc1", version);
            }
            cc1.Kill();
            cc1.WaitForExit();
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static string Capture(string program, string argument)
    {
        using Process process = Start(program, [argument]);
        string output = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return output;
    }

    private static Process Start(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    private static void Expect(Process process, string name)
    {
        if (process.StandardOutput.ReadLine() is not ("ready" or "ok"))
            throw new InvalidOperationException($"{name} did not answer");
    }

    private void Dump(int pid, string name, int version)
    {
        Kill(pid, 19);
        try
        {
            using var memory = new FileStream($"/proc/{pid}/mem", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0);
            using var pagemap = new FileStream($"/proc/{pid}/pagemap", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0);
            using FileStream image = File.Create(ImageFiles.PathOf(directory, version, name + ".img"));
            using StreamWriter map = File.CreateText(ImageFiles.PathOf(directory, version, name + ".map"));
            foreach (string line in File.ReadAllLines($"/proc/{pid}/maps"))
            {
                string[] fields = line.Split(' ');
                if (fields[1][..2] != "rw" || line.EndsWith(']') && line.Contains("[v", StringComparison.Ordinal))
                    continue;
                ulong[] range = [.. fields[0].Split('-').Select(part => ulong.Parse(part, NumberStyles.HexNumber, CultureInfo.InvariantCulture) / PageSize)];
                foreach ((ulong first, ulong count) in Present(pagemap, range[0], range[1]))
                    CopyRun(memory, image, map, first, count);
            }
        }
        finally
        {
            Kill(pid, 18);
        }
    }

    private static void CopyRun(FileStream memory, FileStream image, StreamWriter map, ulong first, ulong count)
    {
        byte[] buffer = new byte[256 * PageSize];
        map.WriteLine($"{first:x} {count}");
        for (ulong done = 0; done < count;)
        {
            int bytes = (int)Math.Min((ulong)buffer.Length, (count - done) * PageSize);
            memory.Position = (long)((first + done) * PageSize);
            memory.ReadExactly(buffer, 0, bytes);
            image.Write(buffer, 0, bytes);
            done += (ulong)(bytes / PageSize);
        }
    }

    /// <summary>Runs of pages that are in memory or swapped out (bits 63 and 62 of a pagemap entry).</summary>
    private static IEnumerable<(ulong First, ulong Count)> Present(FileStream pagemap, ulong first, ulong end)
    {
        byte[] entries = new byte[8 * 65536];
        ulong start = 0;
        bool isIn = false;
        for (ulong page = first; page < end;)
        {
            int count = (int)Math.Min(65536, end - page);
            pagemap.Position = (long)page * 8;
            pagemap.ReadExactly(entries, 0, count * 8);
            for (int i = 0; i < count; i++, page++)
            {
                bool isPresent = (entries[(i * 8) + 7] & 0xC0) != 0;
                if (isPresent && !isIn)
                    start = page;
                else if (!isPresent && isIn)
                    yield return (start, page - start);
                isIn = isPresent;
            }
        }
        if (isIn)
            yield return (start, end - start);
    }

    private static void Kill(int pid, int signal)
    {
        if (KillProcess(pid, signal) != 0)
            throw new InvalidOperationException($"no signal {signal} to pid {pid}");
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int KillProcess(int pid, int signal);
}
