using System.Buffers;
using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Format;
using Snap.Store.Segments;
using Snap.Store.Tests.Disk;

namespace Snap.Store.Tests.Blocks;

public sealed class BlockCacheTests
{
    private const int BlockBytes = BlockHead.MaxPages * PageRange.PageSize;
    private static readonly SegmentFile _file = new(new CrashDisk(), 1, 1);

    // A user would see pages of another snapshot: a buffer was used again while somebody still read from it.
    [Fact]
    public void A_blocks_buffer_is_used_again_only_when_nobody_holds_it()
    {
        var cache = new BlockCache(2 * BlockBytes);
        DecodedBlock held = Block(0);
        cache.Add(held);
        for (int i = 1; i < 200; i++)
        {
            using DecodedBlock other = Block(i);
            cache.Add(other);
        }
        Assert.Null(cache.Find(_file, 0));
        Assert.False(held.Pages.ContainsAnyExcept((byte)0));
        held.Dispose();
        Assert.Throws<ObjectDisposedException>(() => held.Pages.Length);
    }

    [Fact]
    public void The_cache_keeps_to_its_budget_and_drops_the_least_recently_used()
    {
        var cache = new BlockCache(4 * BlockBytes);
        for (int i = 0; i < 10; i++)
        {
            using (DecodedBlock block = Block(i))
                cache.Add(block);
            cache.Find(_file, 0)?.Dispose();
        }
        int[] left = [.. Enumerable.Range(0, 10).Where(i =>
        {
            using DecodedBlock? found = cache.Find(_file, i);
            return found is not null;
        })];
        Assert.Equal([0, 7, 8, 9], left);
        cache.Forget(_file, 8);
        Assert.Null(cache.Find(_file, 9));
        Assert.NotNull(cache.Find(_file, 7));
    }

    private static DecodedBlock Block(int number)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BlockBytes);
        buffer.AsSpan().Fill((byte)number);
        return new DecodedBlock(_file, new SlotEntry((uint)number * 16, ushort.MaxValue, number, 100), new BlockHead(BlockEncoding.Raw, 16, (uint)number * 16, BlockBytes, 0, default), buffer);
    }
}
