using Snap.Cli.Output;

namespace Snap.Cli.Tests.Commands;

public sealed class SizesTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(100 * 1024, "100 KiB")]
    [InlineData(3L << 30, "3.0 GiB")]
    public void Bytes_have_three_digits_at_most(long count, string text) => Assert.Equal(text, Sizes.Bytes(count));

    [Theory]
    [InlineData(840, "840 µs")]
    [InlineData(2300, "2.3 ms")]
    [InlineData(1_200_000, "1.20 s")]
    public void Pauses_have_a_unit_that_fits(long microseconds, string text) => Assert.Equal(text, Sizes.Microseconds(microseconds));

    [Fact]
    public void Ages_grow_coarser() =>
        Assert.Equal(["0.0s", "9.5s", "119s", "3m", "5h", "3d"],
            new[] { -1, 9.5, 119, 180, 5 * 3600, 3 * 86400 }.Select(seconds => Sizes.Ago(TimeSpan.FromSeconds(seconds))));
}
