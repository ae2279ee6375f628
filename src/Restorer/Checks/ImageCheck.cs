using Snap.Image;
using Snap.Kernel.Abi;

namespace Snap.Restorer.Checks;

/// <summary>Does the image hold anything that this version doesn't know how to bring back? Nothing is ever left out silently.</summary>
internal static class ImageCheck
{
    private const int RegistersLength = 216, SignalInfoLength = 128, SignalCount = 64;

    /// <returns>How its processes are made; null if that can't be told.</returns>
    public static TreeShape? Run(SnapshotImage image, Obstacles obstacles)
    {
        foreach (ProcessImage process in image.Processes)
            CheckProcess(image, process, obstacles);
        int[] pids = [.. image.Processes.Select(process => process.Pid), .. image.Zombies.Select(zombie => zombie.Pid)];
        if (image.Processes.Count == 0 || pids.Distinct().Count() != pids.Length)
        {
            obstacles.Add(ErrorCatalogue.NotRestorable, "cannot restore: the image has no process, or one pid twice");
            return null;
        }

        // Whoever starts the root is told of its end by SIGCHLD.
        if (image.Processes[0].ExitSignal != Signal.SIGCHLD)
            obstacles.Add(ErrorCatalogue.NotRestorable, $"cannot restore pid {image.Processes[0].Pid}: it tells its parent of its end by signal {image.Processes[0].ExitSignal} instead of SIGCHLD, which exec can't keep");
        TreeShape shape = TreeShape.Of(image);
        foreach ((int pid, string why) in shape.Problems)
            obstacles.Add(ErrorCatalogue.NotRestorable, $"cannot restore pid {pid}: its place in the tree of processes can't be made again", why: why);
        return shape;
    }

    private static void CheckProcess(SnapshotImage image, ProcessImage process, Obstacles obstacles)
    {
        void Refuse(string why) => obstacles.Add(ErrorCatalogue.NotRestorable, $"cannot restore pid {process.Pid}: {why}");

        if (process.Threads.Count == 0 || process.Threads[0].Tid != process.Pid)
            Refuse("its first thread had ended while others went on");
        if (process.SignalActions.Count != SignalCount)
            Refuse($"the image has {process.SignalActions.Count} signal actions instead of {SignalCount}");
        if (process.Limits.Count != 16)
            Refuse($"the image has {process.Limits.Count} resource limits instead of 16");
        if (process.Mappings.Any(mapping => mapping.Kind == MappingKind.SharedMemory && mapping.SharedSpace is null))
            Refuse("the image has shared memory without contents");
        if (process.Mappings.Any(mapping => mapping.Kind == MappingKind.File && mapping.File is null))
            Refuse("the image has a file mapping without a file");
        if (!process.Mappings.Any(mapping => (mapping.Protection & Mman.PROT_EXEC) != 0 && mapping.Kind != MappingKind.Vsyscall))
            Refuse("it has no executable memory");
        if (process.Dumpable is < 0 or > 2)
            Refuse($"its dumpable attribute is {process.Dumpable}");
        foreach (ThreadImage thread in process.Threads)
        {
            if (thread.Registers.Length != RegistersLength)
                Refuse($"thread {thread.Tid} has {thread.Registers.Length} bytes of registers instead of {RegistersLength}");
            if ((thread.SchedulingPolicy & ~Sched.SCHED_RESET_ON_FORK) == Sched.SCHED_DEADLINE)
                Refuse($"thread {thread.Tid} is scheduled by deadline, whose parameters aren't in the snapshot");
        }

        if (process.PendingSignals.Concat(process.Threads.SelectMany(thread => thread.PendingSignals)).Any(info => info.Length != SignalInfoLength))
            Refuse($"the image has a pending signal that isn't {SignalInfoLength} bytes long");
        foreach (PosixTimerImage timer in process.PosixTimers)
        {
            if (timer.Clock is not (Timers.CLOCK_REALTIME or Timers.CLOCK_MONOTONIC or Timers.CLOCK_PROCESS_CPUTIME_ID or Timers.CLOCK_BOOTTIME
                or Timers.CLOCK_REALTIME_ALARM or Timers.CLOCK_BOOTTIME_ALARM or Timers.CLOCK_TAI)
                && !(timer.Clock == Timers.CLOCK_THREAD_CPUTIME_ID && process.Threads.Count == 1))
                Refuse($"timer {timer.Id} runs on clock {timer.Clock}, which belongs to one thread");
        }

        var known = image.Descriptions.Select(description => description.Id).ToHashSet();
        foreach (DescriptorImage descriptor in process.Descriptors)
        {
            if (!known.Contains(descriptor.Description))
                Refuse($"fd {descriptor.Number} has no description in the image");
        }
    }
}
