using System.Diagnostics;
using Snap.Kernel.Processes;
using Snap.Kernel.Tests.Procfs;

namespace Snap.Kernel.Tests.Processes;

public class PidChoiceTests
{
    [Fact]
    public void An_id_is_in_use_while_somebody_has_it_and_free_soon_after()
    {
        using SpawnedProcess child = SpawnedProcess.Start("cat");
        Assert.True(PidChoice.IsInUse(child.Pid));
        Assert.True(PidChoice.IsInUse(1));
        child.Kill();
        Assert.True(PidChoice.IsInUse(child.Pid));
        child.Reap();
        long start = Stopwatch.GetTimestamp();
        while (PidChoice.IsInUse(child.Pid))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60), "the id isn't free");
            Thread.Yield();
        }
    }
}
