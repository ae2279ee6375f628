namespace Snap.Image.Tests;

public sealed class SnapshotIdTests
{
    [Fact]
    public void New_ids_differ_and_each_of_their_bits_is_random()
    {
        const int count = 2000;
        SnapshotId[] ids = [.. Enumerable.Range(0, count).Select(_ => SnapshotId.NewRandom())];
        Assert.Equal(count, ids.Distinct().Count());
        for (int bit = 0; bit < 128; bit++)
        {
            // Half of them, give or take ten standard deviations.
            int ones = ids.Count(id => ((id.Value >> bit) & 1) == 1);
            Assert.InRange(ones, (count / 2) - 224, (count / 2) + 224);
        }
    }

    [Fact]
    public void Text_and_bytes_name_the_same_id()
    {
        SnapshotId id = SnapshotId.NewRandom();
        Assert.True(SnapshotId.TryParse(id.ToString(), out SnapshotId parsed));
        Assert.Equal(id, parsed);
        Span<byte> bytes = stackalloc byte[SnapshotId.Size];
        id.Write(bytes);
        Assert.Equal(id, SnapshotId.Read(bytes));
        Assert.Equal(id.ToString(), Convert.ToHexStringLower(bytes));
        Assert.StartsWith(id.Short, id.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0123")]
    [InlineData("0123456789abcdef0123456789abcdeg")]
    [InlineData("0123456789abcdef0123456789abcdef0")]
    [InlineData(null)]
    public void What_is_not_32_hex_digits_is_no_id(string? text) => Assert.False(SnapshotId.TryParse(text, out _));
}
