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
    [SkippableFact]
    public void A_restorer_that_is_killed_leaves_no_half_built_process()
    {
        using Target target = Lives.Start("pthreads");
        Capture taken = Capture.Of(target.Pid);
        target.Kill();
        using var saved = new TemporaryDirectory();
        File.WriteAllBytes(saved["image.json"], ImageCodec.Encode(taken.Image));
        SavedPages.Save(saved["pages"], taken.Pages.All);
        string tool = typeof(SavedPages).Assembly.Location;
        for (int pass = 1; ; pass++)
        {
            Assert.True(pass < 100, "the fault points never end");
            using Command restorer = Command.Start("dotnet", [tool, saved.Path], new Dictionary<string, string?> { [Fault.Variable] = $"Rebuild:{pass}:kill" });
            Patience.Until(() => restorer.Child.TryWait(out _) || File.Exists(saved["released"]), $"the restorer, to be killed at pass {pass} or to succeed");
            if (restorer.Child.TryWait(out WaitStatus ended))
            {
                Assert.True(ended.KillSignal == Signal.SIGKILL, $"pass {pass}: the restorer {ended}: {restorer.WaitForEnd().Error}");
                Patience.Until(() => TaskFiles.OfProcess(target.Pid).ReadStat() is null, $"the process to be gone after pass {pass}");
                continue;
            }

            Assert.True(pass > 10, $"only {pass - 1} fault points were passed");
            target.Adopt(target.Pid);
            Assert.Empty(target.Check());
            target.Send("exit");
            Assert.Equal(0, restorer.WaitForEnd().ExitCode);
            return;
        }
    }
}
