using Snap.Image;

namespace Snap.Store.Tests;

public sealed class ReferenceTests
{
    private static readonly DateTimeOffset _start = new(2026, 11, 22, 21, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset _now = _start.AddMinutes(10);
    private static readonly SnapshotInfo _web1 = Info("a1000000", "web", 1, null, 0);
    private static readonly SnapshotInfo _web2 = Info("a1200000", "web", 2, _web1, 60);
    private static readonly SnapshotInfo _web3 = Info("b3000000", "web", 3, _web2, 120);
    private static readonly SnapshotInfo _web4 = Info("b4000000", "web", 4, _web3, 180);
    private static readonly SnapshotInfo _job = Info("c5000000", "job", 1, _web2, 200);
    private static readonly ReferenceResolver _resolver = new([_web1, _web2, _web3, _web4, _job], [new TagInfo("good", _web2.Id), new TagInfo("job", _web1.Id)]);

    [Theory]
    [InlineData("web", "b4000000")]
    [InlineData("web~", "b3000000")]
    [InlineData("web~3", "a1000000")]
    [InlineData("web~0", "b4000000")]
    [InlineData("latest", "c5000000")]
    [InlineData("latest~1", "a1200000")]
    [InlineData("a12", "a1200000")]
    [InlineData("A12", "a1200000")]
    [InlineData("c5~2", "a1000000")]
    [InlineData("good", "a1200000")]
    [InlineData("good~1", "a1000000")]
    [InlineData("web@9m", "a1200000")]
    [InlineData("web@8m", "b3000000")]
    [InlineData("web@421s", "b3000000")]
    [InlineData("web@420s", "b4000000")]
    [InlineData("web@0s", "b4000000")]
    [InlineData("web@2026-11-22T21:00:59Z", "a1000000")]
    [InlineData("web@2026-11-22T21:01:00Z", "a1200000")]
    [InlineData("web@2026-11-22T23:02:00+02:00", "b3000000")]
    [InlineData("web@2m~1", "b3000000")]
    public void A_reference_means_one_snapshot(string reference, string id) =>
        Assert.Equal(id, _resolver.Resolve(reference, _now).Id.ToString()[..8]);

    [Theory]
    [InlineData("a1", "S0511")]
    [InlineData("job", "S0511")]
    [InlineData("ffff", "S0510")]
    [InlineData("nobody", "S0510")]
    [InlineData("nobody@1s", "S0510")]
    [InlineData("web~4", "S0510")]
    [InlineData("web~x", "S0513")]
    [InlineData("web@yesterday", "S0513")]
    [InlineData("web@", "S0513")]
    [InlineData("@5s", "S0513")]
    [InlineData("we b", "S0513")]
    [InlineData("", "S0513")]
    [InlineData("web@11m", "S0512")]
    [InlineData("web@2026-11-22T20:59:59Z", "S0512")]
    public void A_reference_that_means_none_says_why(string reference, string error) =>
        Assert.Equal(error, Assert.Throws<SnapException>(() => _resolver.Resolve(reference, _now)).Kind.Id);

    [Fact]
    public void A_time_without_zone_is_local()
    {
        string local = _web3.Time.ToLocalTime().ToString("yyyy-MM-dd'T'HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(_web3, _resolver.Resolve("web@" + local, _now));
    }

    [Fact]
    public void An_ambiguous_prefix_lists_what_fits()
    {
        SnapException error = Assert.Throws<SnapException>(() => _resolver.Resolve("a1", _now));
        Assert.Contains("web #1", error.Why, StringComparison.Ordinal);
        Assert.Contains("web #2", error.Why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("web", true)]
    [InlineData("_x", true)]
    [InlineData("a.b-c_9", true)]
    [InlineData("face", false)]
    [InlineData("latest", false)]
    [InlineData("9web", false)]
    [InlineData("we b", false)]
    [InlineData("", false)]
    [InlineData("../up", false)]
    public void Names_follow_the_grammar(string name, bool isValid) => Assert.Equal(isValid, Names.IsValid(name));

    private static SnapshotInfo Info(string id, string name, ulong sequence, SnapshotInfo? parent, int seconds)
    {
        Assert.True(SnapshotId.TryParse(id.PadRight(32, '0'), out SnapshotId parsed));
        return new SnapshotInfo(parsed, sequence, name, parent?.Id ?? SnapshotId.None, _start.AddSeconds(seconds), new SnapshotStatistics(), default);
    }
}
