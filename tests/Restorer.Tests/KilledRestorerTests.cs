using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Restorer.Tool;
using Snap.Testing;

namespace Snap.Restorer.Tests;

/// <summary>The restorer as a process of its own, killed at one place after the other.</summary>
public sealed class KilledRestorerTests
{
    // Of the trees not every place is tried: they have hundreds, alike but for the process.
    [SkippableTheory]
    [InlineData("pthreads", 1, 10)]
    [InlineData("tree", 17, 40)]
    [InlineData("zombies", 17, 40)]
    public void A_restorer_that_is_killed_leaves_no_half_built_process(string program, int step, int least)
    {
        using Target target = Lives.Start(program);
        Capture taken = program == "pthreads" ? Capture.Of(target.Pid) : TreeCapture.Of(target.Pid);
        int[] pids = [.. taken.Image.Processes.Select(process => process.Pid), .. taken.Image.Zombies.Select(zombie => zombie.Pid)];
        target.Kill();
        using var saved = new TemporaryDirectory();
        File.WriteAllBytes(saved["image.json"], ImageCodec.Encode(taken.Image));
        SavedPages.Save(saved["pages"], taken.Pages.All);
        string tool = typeof(SavedPages).Assembly.Location;
        for (int pass = 1; ; pass += step)
        {
            Assert.True(pass < 1000, "the fault points never end");
            using Command restorer = Command.Start("dotnet", [tool, saved.Path], new Dictionary<string, string?> { [Fault.Variable] = $"Rebuild:{pass}:kill" });
            Patience.Until(() => restorer.Child.TryWait(out _) || File.Exists(saved["released"]), $"the restorer, to be killed at pass {pass} or to succeed");
            if (restorer.Child.TryWait(out WaitStatus ended))
            {
                Assert.True(ended.KillSignal == Signal.SIGKILL, $"pass {pass}: the restorer {ended}: {restorer.WaitForEnd().Error}");
                Patience.Until(() => pids.All(pid => TaskFiles.OfProcess(pid).ReadStat() is null), $"the processes to be gone after pass {pass}");
                continue;
            }

            Assert.True(pass > least, $"only {pass - 1} fault points were passed");
            target.Adopt(target.Pid);
            Assert.Empty(target.Check());
            target.Send("exit");
            Assert.Equal(0, restorer.WaitForEnd().ExitCode);
            return;
        }
    }
}
