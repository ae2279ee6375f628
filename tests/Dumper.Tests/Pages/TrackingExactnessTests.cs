using System.Globalization;
using Snap.Dumper.Pages;
using Snap.Image;
using Snap.Kernel.Tracking;
using Snap.Testing;
using Xunit.Abstractions;

namespace Snap.Dumper.Tests.Pages;

/// <summary>
/// One suite on every tracker: random histories of a real program, every page compared at every freeze.
/// SNAP_SEED, SNAP_SEEDS and SNAP_EPOCHS set first seed, number of seeds and length; fuzz/Tracking runs the same for longer.
/// </summary>
public sealed class TrackingExactnessTests(ITestOutputHelper output)
{
    [SkippableTheory]
    [InlineData(TrackerKind.WriteProtect)]
    [InlineData(TrackerKind.SoftDirty)]
    [InlineData(TrackerKind.Compare)]
    public void No_page_of_a_random_history_is_missed(TrackerKind kind)
    {
        SkipUnlessSupported(kind);
        ulong first = Setting("SNAP_SEED", (ulong)Environment.TickCount64);
        int epochs = (int)Setting("SNAP_EPOCHS", 40);
        string program = CompiledProgram.Get("memory_history").Path;
        using var directory = new TemporaryDirectory();
        TrackingReport sum = TrackingReport.None;
        for (ulong seed = first; seed < first + Setting("SNAP_SEEDS", 4); seed++)
        {
            output.WriteLine($"{kind} seed {seed}");
            var history = new TrackingHistory(kind, seed, program, directory.Path) { SwitchedOff = seed % 2 == 0 ? "d" : "-" };
            sum += OnOwnThread(() => history.Run(epochs));
            Assert.True(sum.PagesWrong == 0, $"{sum}\n{sum.FirstWrong}");
        }

        output.WriteLine($"{kind}: {sum}");
        Assert.True(sum.PagesCompared > 0);
    }

    // Histories that random ones meet once in millions of pages, or that no random one has met.
    [SkippableTheory]
    [Traps]
    public void No_page_of_a_known_trap_is_missed(TrackerKind kind, string trap, bool hasLivePass)
    {
        SkipUnlessSupported(kind);
        TrackingReport report = OnOwnThread(() => TrapHistory.Run(kind, trap, CompiledProgram.Get("memory_steps").Path, hasLivePass));
        output.WriteLine($"{report}");
        Assert.True(report.PagesWrong == 0, $"{report}\n{report.FirstWrong}");
    }

    // Needs nothing of the kernel: shared memory is compared by content, whoever may write to it.
    [Theory]
    [InlineData("-")]
    [InlineData("of")]
    public void No_page_of_shared_memory_is_missed(string switchedOff)
    {
        ulong first = Setting("SNAP_SEED", (ulong)Environment.TickCount64);
        int epochs = (int)Setting("SNAP_EPOCHS", 40);
        string program = CompiledProgram.Get("shared_history").Path;
        TrackingReport sum = TrackingReport.None;
        for (ulong seed = first; seed < first + Setting("SNAP_SEEDS", 4); seed++)
        {
            output.WriteLine($"shared seed {seed}");
            sum += OnOwnThread(() =>
            {
                using var history = new SharedHistory(seed, program, switchedOff);
                return history.Run(epochs);
            });
            Assert.True(sum.PagesWrong == 0, $"{sum}\n{sum.FirstWrong}");
        }

        output.WriteLine($"shared: {sum}");
        Assert.True(sum.PagesCompared > 0);
    }

    private static void SkipUnlessSupported(TrackerKind kind)
    {
        Skip.If(kind == TrackerKind.WriteProtect && !Userfaultfd.IsSupported, "this kernel has no asynchronous write-protect (Linux 6.7)");
        Skip.If(kind == TrackerKind.SoftDirty && !SoftDirty.IsSupported, "this kernel has no soft-dirty bits (CONFIG_MEM_SOFT_DIRTY)");
        Skip.If(kind == TrackerKind.SoftDirty && !PagemapTracker.SeesFrameNumbers, "frame numbers, which soft-dirty tracking needs, are shown to CAP_SYS_ADMIN only");
    }

    private static ulong Setting(string name, ulong otherwise) =>
        Environment.GetEnvironmentVariable(name) is { } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static T OnOwnThread<T>(Func<T> function)
    {
        T? result = default;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                result = function();
            }
            catch (Exception caught)
            {
                failure = caught;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result! : throw new InvalidOperationException(failure.Message, failure);
    }

    /// <summary>Every tracker with every trap of memory_steps.c, with and without live passes.</summary>
    private sealed class TrapsAttribute : Xunit.Sdk.DataAttribute
    {
        public override IEnumerable<object[]> GetData(System.Reflection.MethodInfo testMethod) =>
            from kind in new[] { TrackerKind.WriteProtect, TrackerKind.SoftDirty, TrackerKind.Compare }
            from trap in TrapHistory.Names
            from hasLivePass in kind == TrackerKind.WriteProtect ? [false, true] : new[] { false }
            select new object[] { kind, trap, hasLivePass };
    }
}
