using System.Globalization;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Dumper.Tests.Pages;

/// <summary>How long the scan of a frozen process takes, by size and share of dirty pages. Prints figures; asserts nothing.</summary>
internal static class ScanCost
{
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
