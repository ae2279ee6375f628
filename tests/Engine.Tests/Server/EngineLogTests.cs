using Snap.Engine.Server;
using Snap.Testing;

namespace Snap.Engine.Tests.Server;

/// <summary>The log stays small, and keeps its newest lines whole.</summary>
public sealed class EngineLogTests
{
    [Fact]
    public void Its_first_half_goes_when_it_has_grown_too_long()
    {
        using var directory = new TemporaryDirectory();
        using (var log = new EngineLog(directory["log"], takesStandardError: false, limit: 4000))
        {
            for (int i = 0; i < 300; i++)
                log.Write($"line {i}\nof two");
        }

        string[] lines = File.ReadAllLines(directory["log"]);
        Assert.InRange(new FileInfo(directory["log"]).Length, 1, 4200);
        Assert.EndsWith("line 299 | of two", lines[^1], StringComparison.Ordinal);
        Assert.All(lines, line => Assert.Matches(@"^\d{4}-\d\d-\d\dT[0-9:.]+Z \d+ line \d+ \| of two$", line));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(directory["log"]));
    }

    // A watch that an ending engine no longer waits for has its last line to say, on a thread of its own: an exception there is the process's end.
    [Fact]
    public void A_line_that_comes_after_its_end_is_lost_and_harms_nobody()
    {
        using var directory = new TemporaryDirectory();
        var log = new EngineLog(directory["log"], takesStandardError: false);
        log.Write("in time");
        log.Dispose();
        log.Write("too late");
        Assert.EndsWith("in time", Assert.Single(File.ReadAllLines(directory["log"])), StringComparison.Ordinal);
    }
}
