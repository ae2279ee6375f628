using System.Globalization;
using Snap.Image;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Kernel.Abi;

namespace Snap.Dumper.Tests.Pages;

/// <summary>A program (tests/Programs/memory_history.c) that changes its memory at random, tracked through a random history of live passes, freezes, commits and failures.</summary>
/// <param name="kind">Which tracker.</param>
/// <param name="seed">Of program and history. What threads do at once still differs from run to run.</param>
/// <param name="program">The compiled program.</param>
/// <param name="directory">For its files.</param>
public sealed class TrackingHistory(TrackerKind kind, ulong seed, string program, string directory)
{
    private readonly Random _random = new((int)(seed % int.MaxValue));

    /// <summary>Size of the memory that its threads write to all the time.</summary>
    public int Mebibytes { get; init; } = 8;

    /// <summary>What the program must not do; its FLAGS.</summary>
    public string SwitchedOff { get; init; } = "-";

    /// <summary>A mask of the operations that the program may use.</summary>
    public ulong Operations { get; init; } = ulong.MaxValue;

    /// <summary>Takes <paramref name="epochs"/> checkpoints. Up to two wait for their commit; one in eight fails, so that what it held must come again.</summary>
    public TrackingReport Run(int epochs)
    {
        (FileDescriptor read, FileDescriptor write) = FileDescriptor.CreatePipe();
        ChildProcess child;
        using (write)
        {
            child = ChildProcess.Start(new SpawnOptions
            {
                Program = program,
                Arguments = [$"{seed}", $"{Mebibytes}", directory, SwitchedOff, Operations.ToString("x", CultureInfo.InvariantCulture)],
                Descriptors = new Dictionary<int, FileDescriptor> { [1] = write },
            });
        }

        try
        {
            Span<byte> ready = stackalloc byte[6];
            if (!read.ReadFully(ready))
                throw new InvalidOperationException($"the program ended before it was ready: {child.Wait()}");
            return RunTracked(child, epochs);
        }
        finally
        {
            read.Dispose();
            child.Signal(Signal.SIGKILL);
            child.Wait();
            File.Delete(Path.Combine(directory, $"map.{child.Pid}"));
            File.Delete(Path.Combine(directory, $"data.{child.Pid}"));
        }
    }

    private TrackingReport RunTracked(ChildProcess child, int epochs)
    {
        bool hasDirectIo = !SwitchedOff.Contains('d', StringComparison.Ordinal);
        using var tracked = new TrackedProcess(kind, child, $"{kind} seed {seed}", hasDirectIo);
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            if (child.TryWait(out WaitStatus ended))
                throw new InvalidOperationException($"the program {ended} ({kind}, seed {seed}, epoch {epoch})");
            int passes = kind == TrackerKind.WriteProtect ? _random.Next(epoch == 0 ? 2 : 0, 4) : 0;
            for (int pass = 0; pass < passes; pass++)
                tracked.LivePass();
            if (_random.Next(3) == 0)
                Thread.SpinWait(_random.Next(200_000));
            tracked.Checkpoint();
            while (tracked.Undecided > _random.Next(3))
            {
                if (_random.Next(8) == 0)
                    tracked.Fail();
                else
                    tracked.Commit();
            }
        }

        return tracked.Report;
    }
}
