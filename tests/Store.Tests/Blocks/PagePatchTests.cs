using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Format;

namespace Snap.Store.Tests.Blocks;

/// <summary>Patches and the choice between them and zstd.</summary>
public sealed class PagePatchTests
{
    // Goal: whatever differs comes back, also at the ends and in runs of all lengths round the bounds of their heads. Method: random differences.
    [Fact]
    public void Whatever_differs_comes_back()
    {
        for (int seed = 0; seed < 400 * TestScale.Value; seed++)
        {
            var random = new Random(seed);
            byte[] bases = new byte[random.Next(1, 4) * PageRange.PageSize];
            random.NextBytes(bases);
            byte[] pages = Changed(bases, random);
            byte[] patch = new byte[pages.Length * 2];
            Assert.True(PagePatch.TryEncode(pages, bases, patch, out int length));
            byte[] back = [.. bases];
            Assert.True(PagePatch.TryApply(patch.AsSpan(0, length), back));
            Assert.True(back.AsSpan().SequenceEqual(pages), $"seed {seed}");
            // What doesn't fit is refused, and nothing written behind the room.
            for (int room = 0; room < Math.Min(length, 40); room++)
                Assert.False(PagePatch.TryEncode(pages, bases, patch.AsSpan(0, room), out _));
        }
    }

    [Fact]
    public void A_cut_patch_is_refused_or_leaves_a_part_undone_and_never_writes_behind_the_pages()
    {
        byte[] bases = new byte[PageRange.PageSize];
        byte[] pages = Changed(bases, new Random(7));
        byte[] patch = new byte[2 * PageRange.PageSize];
        Assert.True(PagePatch.TryEncode(pages, bases, patch, out int length));
        byte[] room = new byte[PageRange.PageSize + 64];
        for (int cut = 0; cut < length; cut++)
        {
            room.AsSpan().Clear();
            PagePatch.TryApply(patch.AsSpan(0, cut), room.AsSpan(0, PageRange.PageSize));
            Assert.False(room.AsSpan(PageRange.PageSize).ContainsAnyExcept((byte)0));
        }
        Assert.False(PagePatch.TryApply(patch.AsSpan(0, length), room.AsSpan(0, PageRange.PageSize / 2)));
    }

    [Fact]
    public void Small_differences_become_patches_and_large_ones_what_is_smaller()
    {
        var random = new Random(3);
        byte[] bases = new byte[16 * PageRange.PageSize];
        random.NextBytes(bases);
        byte[] pages = [.. bases];
        for (int page = 0; page < 16; page++)
            BitConverter.TryWriteBytes(pages.AsSpan((page * PageRange.PageSize) + 8), random.NextInt64());
        byte[] into = new byte[pages.Length];
        Assert.Equal(BlockEncoding.Patch, DeltaCodec.Encode(pages, bases, into, 1, out int length));
        Assert.InRange(length, 16, 16 * 12);
        // Moved by a word: every byte differs, and zstd finds all of them in the base.
        bases.AsSpan(0, bases.Length - 8).CopyTo(pages.AsSpan(8));
        Assert.Equal(BlockEncoding.Delta, DeltaCodec.Encode(pages, bases, into, 1, out length));
        Assert.InRange(length, 1, PageRange.PageSize);
        random.NextBytes(pages);
        DeltaCodec.Encode(pages, bases, into.AsSpan(0, pages.Length - 1000), 1, out length);
        Assert.Equal(0, length);
    }

    private static byte[] Changed(byte[] bases, Random random)
    {
        byte[] pages = [.. bases];
        for (int changes = random.Next(30); changes >= 0; changes--)
        {
            int length = random.Next(4) == 0 ? random.Next(1, 300) : random.Next(1, 12);
            int at = random.Next(5) switch { 0 => 0, 1 => pages.Length - length, _ => random.Next(pages.Length - length) };
            random.NextBytes(pages.AsSpan(at, length));
        }
        return pages;
    }
}
