using System.Diagnostics;
using System.Globalization;
using Snap.Dumper.Collect;
using Snap.Dumper.Pages;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Tests.Pages;

/// <summary>How long the scan of a frozen process takes, by size and share of dirty pages. Prints figures; asserts nothing.</summary>
internal static class ScanCost
{
    /// <summary>The same of shared memory, which is read whole.</summary>
    public static void PrintShared(string program, int mebibytes, int percent, int rounds)
    {
        (FileDescriptor commands, FileDescriptor toChild) = FileDescriptor.CreatePipe();
        (FileDescriptor fromChild, FileDescriptor answers) = FileDescriptor.CreatePipe();
        ChildProcess child = ChildProcess.Start(new SpawnOptions
        {
            Program = program, Arguments = ["large_shared", $"{mebibytes}", $"{percent}"],
            Descriptors = new Dictionary<int, FileDescriptor> { [0] = commands, [1] = answers },
        });
        commands.Dispose();
        answers.Dispose();
        using MapsReader maps = MapsReader.OpenOrGone(child.Pid)!;
        using var contents = new SharedContents();
        using var sink = new MemorySink(1UL << 30) { KeepsPages = false };
        var objects = new SharedObjectList(child.Pid);
        var ids = new SpaceTable([]);
        var mappings = new List<MapsEntry>();
        var times = new List<double>();
        ulong pages = 0;
        for (int round = 0; round < rounds; round++)
        {
            toChild.WriteAll([1]);
            if (!fromChild.ReadFully(new byte[1]))
                throw new InvalidOperationException("the program ended");
            maps.TryRead(mappings);
            objects.List(new DescriptorTable(child.Pid), mappings);
            ids.Begin();
            contents.Begin();
            contents.LivePass(objects.Objects, ids, sink);
            if (round > 0)
            {
                toChild.WriteAll([1]);
                fromChild.ReadFully(new byte[1]);
            }

            long started = Stopwatch.GetTimestamp();
            pages = contents.ScanFrozen(objects.Objects, ids);
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            contents.CopyFrozen(sink.Memory, sink.AcquirePause(0).Offset, []);
            contents.PublishFrozen(sink);
            contents.End((ulong)round);
            contents.Committed((ulong)round);
            ids.End((ulong)round);
        }

        times.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"shared, {mebibytes} MiB, {percent} % written: {pages} pages to copy; comparison, ms: median {times[times.Count / 2]:F3}, least {times[0]:F3}, most {times[^1]:F3}"));
        child.Signal(Signal.SIGKILL);
        child.Wait();
        toChild.Dispose();
        fromChild.Dispose();
    }

    public static void Print(TrackerKind kind, string program, int mebibytes, int percent, int rounds)
    {
        (FileDescriptor commands, FileDescriptor toChild) = FileDescriptor.CreatePipe();
        (FileDescriptor fromChild, FileDescriptor answers) = FileDescriptor.CreatePipe();
        ChildProcess child = ChildProcess.Start(new SpawnOptions
        {
            Program = program, Arguments = ["large", $"{mebibytes}", $"{percent}"],
            Descriptors = new Dictionary<int, FileDescriptor> { [0] = commands, [1] = answers },
        });
        commands.Dispose();
        answers.Dispose();
        try
        {
            var times = new List<double>();
            ulong dirty = 0;
            using var tracked = new TrackedProcess(kind, child, "cost", hasDirectIo: false) { IsCompared = false };
            for (int round = 0; round < rounds + 3; round++)
            {
                toChild.WriteAll([1]);
                if (!fromChild.ReadFully(new byte[1]))
                    throw new InvalidOperationException("the program ended");
                if (round < 2 && kind == TrackerKind.WriteProtect)
                    tracked.LivePass();
                tracked.Checkpoint();
                tracked.Commit();
                if (round < 3)
                    continue;
                times.Add(tracked.LastScan.Time.TotalMilliseconds);
                dirty = tracked.LastScan.Pages;
            }

            times.Sort();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{kind}, {mebibytes} MiB, {percent} % written: {dirty} pages to copy; scan with all threads stopped, ms: median {times[times.Count / 2]:F3}, least {times[0]:F3}, most {times[^1]:F3}"));
        }
        finally
        {
            child.Signal(Signal.SIGKILL);
            child.Wait();
            toChild.Dispose();
            fromChild.Dispose();
        }
    }
}
