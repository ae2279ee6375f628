using Snap.Store.Blocks;

namespace Snap.Store.Tests.Blocks;

public sealed class ZstdTests
{
    // Frames don't say how long they are: the record does, and bytes that nothing was decoded to would be another page's.
    [Fact]
    public void A_frame_that_decodes_to_fewer_or_more_bytes_than_wanted_is_refused()
    {
        byte[] page = new byte[4096];
        new Random(1).NextBytes(page.AsSpan(0, 2000));
        byte[] packed = new byte[Zstd.Bound(page.Length)];
        packed = packed[..Zstd.Compress(page, default, packed, level: 1)];
        byte[] read = new byte[page.Length];
        Assert.True(Zstd.TryDecompress(packed, default, read));
        Assert.Equal(page, read);
        Assert.False(Zstd.TryDecompress(packed, default, new byte[page.Length + 1]));
        Assert.False(Zstd.TryDecompress(packed, default, new byte[2 * page.Length]));
        Assert.False(Zstd.TryDecompress(packed, default, new byte[page.Length - 1]));
    }
}
