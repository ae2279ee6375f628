using Snap.Image;
using Snap.Kernel.Procfs;
using Snap.Store;
using Snap.Testing;

namespace Snap.Engine.Tests;

/// <summary>A command under checkpoints, as our own child.</summary>
public sealed class CommandRunTests
{
    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("kill -9 $$", 137)]
    public void The_exit_code_is_the_commands_own(string script, int code)
    {
        using var live = new LiveEngine();
        RunResult result = CommandRun.Run(new LocalEngine(live.Engine, owns: false), new RunOptions { Command = ["sh", "-c", script], Every = null });
        Assert.Equal(code, result.Exit.ShellCode);
        Assert.Null(result.Watch);
    }

    [Fact]
    public void A_command_that_can_not_be_started_is_told()
    {
        using var live = new LiveEngine();
        SnapException failed = Assert.Throws<SnapException>(() => CommandRun.Run(new LocalEngine(live.Engine, owns: false), new RunOptions { Command = ["/no/such/program"], Every = null }));
        Assert.Equal((ErrorCatalogue.CommandNotStarted, "ENOENT"), (failed.Kind, failed.Why));
    }

    [Fact]
    public void Snapshots_are_taken_while_it_runs()
    {
        using var live = new LiveEngine();
        using var directory = new TemporaryDirectory();
        var taken = new List<SnapshotInfo>();
        RunResult result = CommandRun.Run(new LocalEngine(live.Engine, owns: false), new RunOptions
        {
            // Should no snapshot ever come, the limit of processor time ends the loop.
            Command = ["sh", "-c", $"ulimit -t 60; while [ ! -e {directory["enough"]} ]; do :; done; exit 3"],
            Every = TimeSpan.FromMilliseconds(20),
            Name = "loop",
            OnSnapshot = snapshot =>
            {
                taken.Add(snapshot);
                if (taken.Count == 5)
                    File.WriteAllText(directory["enough"], "");
            },
        });
        Assert.Equal(3, result.Exit.ShellCode);
        Assert.Null(result.WatchFailure);
        Assert.Equal(taken.Count, result.Watch!.Snapshots);
        Assert.All(taken, snapshot => Assert.Equal(("loop", result.Pid), (snapshot.Name, SnapshotFacts.Of(snapshot).Pid)));
        Assert.Single(taken, snapshot => snapshot.IsFull);
    }

    /// <summary>The command's child outlives its own parent, ends, and must not stay a zombie of ours.</summary>
    [Fact]
    public void Orphans_are_reaped()
    {
        using var live = new LiveEngine();
        using var directory = new TemporaryDirectory();
        CommandRun.Run(new LocalEngine(live.Engine, owns: false), new RunOptions
        {
            Command = ["sh", "-c", $"ulimit -t 60; ( sh -c 'echo $$ > {directory["orphan"]}' & ) ; while [ ! -s {directory["orphan"]} ]; do :; done; orphan=$(cat {directory["orphan"]}); while [ -e /proc/$orphan ]; do :; done"],
            Every = null,
        });
        int orphan = int.Parse(File.ReadAllText(directory["orphan"]), System.Globalization.CultureInfo.InvariantCulture);
        Assert.Null(TaskFiles.OfProcess(orphan).ReadStat());
    }
}
