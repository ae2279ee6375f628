using System.Globalization;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Dumper.Tests.Pages;

/// <summary>What a real program dirties in an interval, and how much of it has changed by the end: the rest was written with what it held before, or written and put back.</summary>
internal static class ProgramDirt
{
    public static TrackingReport Print(TrackerKind kind, int milliseconds, int intervals, string program, string[] arguments)
    {
        using FileDescriptor nothing = FileDescriptor.Open("/dev/null", Fcntl.O_RDWR);
        ChildProcess child = ChildProcess.Start(new SpawnOptions
        {
            Program = program, Arguments = arguments, CloseOthers = true,
            Descriptors = new Dictionary<int, FileDescriptor> { [0] = nothing, [1] = nothing, [2] = nothing },
        });
        try
        {
            Thread.Sleep(1000);
            using var tracked = new TrackedProcess(kind, child, program, hasDirectIo: false);
            for (int interval = 0; interval <= intervals; interval++)
            {
                if (kind == TrackerKind.WriteProtect)
                    tracked.LivePass();
                tracked.Checkpoint();
                tracked.Commit();
                Thread.Sleep(milliseconds);
            }

            foreach ((string mapping, (long copied, long changed)) in tracked.ByMapping.OrderByDescending(entry => entry.Value.Copied))
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{(double)copied / intervals,8:F1} pages an interval, {(double)changed / intervals:F1} of them changed: {mapping}"));
            }

            return tracked.Report;
        }
        finally
        {
            child.Signal(Signal.SIGKILL);
            child.Wait();
        }
    }
}
