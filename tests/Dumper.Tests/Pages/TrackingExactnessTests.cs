using System.Globalization;
using Snap.Image;
using Snap.Kernel.Tracking;
using Xunit.Abstractions;

namespace Snap.Dumper.Tests.Pages;

/// <summary>One suite on every tracker: random histories of a real program, every page compared at every freeze. SNAP_SEED and SNAP_EPOCHS set seed and length.</summary>
public sealed class TrackingExactnessTests(ITestOutputHelper output)
{
    [SkippableTheory]
    [InlineData(TrackerKind.WriteProtect)]
    [InlineData(TrackerKind.SoftDirty)]
    [InlineData(TrackerKind.Compare)]
    public void No_page_of_a_random_history_is_missed(TrackerKind kind)
    {
        Skip.If(kind == TrackerKind.WriteProtect && !Userfaultfd.IsSupported, "this kernel has no asynchronous write-protect (Linux 6.7)");
        Skip.If(kind == TrackerKind.SoftDirty && !SoftDirty.IsSupported, "this kernel has no soft-dirty bits (CONFIG_MEM_SOFT_DIRTY)");
        ulong first = Setting("SNAP_SEED", (ulong)Environment.TickCount64);
        int epochs = (int)Setting("SNAP_EPOCHS", 60);
        string directory = Directory.CreateTempSubdirectory("snap-history-").FullName;
        try
        {
            string program = CompiledProgram(directory);
            for (ulong seed = first; seed < first + Setting("SNAP_SEEDS", 3); seed++)
            {
                output.WriteLine($"{kind} seed {seed}");
                TrackingReport report = OnOwnThread(() => new TrackingHistory(kind, seed, 8, program, directory, seed % 2 == 0 ? "d" : "").Run(epochs));
                output.WriteLine($"{report}");
                Assert.True(report.PagesCompared > 0);
                Assert.Equal(("", 0L), (report.FirstWrong, report.PagesWrong));
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static ulong Setting(string name, ulong otherwise) =>
        Environment.GetEnvironmentVariable(name) is { } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static string CompiledProgram(string directory)
    {
        string source = Path.Combine(AppContext.BaseDirectory, "Programs", "memory_history.c");
        string program = Path.Combine(directory, "memory_history");
        var gcc = Kernel.Processes.ChildProcess.Start(new Kernel.Processes.SpawnOptions
        {
            Program = "gcc", Arguments = ["-O1", "-pthread", "-o", program, source],
        });
        Assert.Equal(0, gcc.Wait().ExitCode);
        return program;
    }

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
}
