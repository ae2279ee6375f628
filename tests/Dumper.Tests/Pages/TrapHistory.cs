using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Dumper.Tests.Pages;

/// <summary>A program (tests/Programs/memory_steps.c) that changes its memory step by step in a way that pages got lost in, or could: each step is followed by a checkpoint.</summary>
public static class TrapHistory
{
    /// <summary>The cases that the program knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["moved_to_neighbour", "moved_and_back", "guarded", "dropped"];

    /// <summary>Runs one case.</summary>
    public static TrackingReport Run(TrackerKind kind, string name, string program, bool hasLivePass)
    {
        (FileDescriptor commands, FileDescriptor toChild) = FileDescriptor.CreatePipe();
        (FileDescriptor fromChild, FileDescriptor answers) = FileDescriptor.CreatePipe();
        ChildProcess child;
        using (commands)
        using (answers)
        {
            child = ChildProcess.Start(new SpawnOptions
            {
                Program = program, Arguments = [name],
                Descriptors = new Dictionary<int, FileDescriptor> { [0] = commands, [1] = answers },
            });
        }

        using (toChild)
        using (fromChild)
        {
            try
            {
                using var tracked = new TrackedProcess(kind, child, $"{kind} {name}", hasDirectIo: false);
                for (int step = 0; step < 8; step++)
                {
                    toChild.WriteAll([1]);
                    if (!fromChild.ReadFully(new byte[1]))
                        throw new InvalidOperationException($"the program ended in step {step} of {name}");
                    if (hasLivePass)
                        tracked.LivePass();
                    tracked.Checkpoint();
                    tracked.Commit();
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
}
