using Snap.Image;
using Snap.Store.Format;

namespace Snap.Store.Blocks;

/// <summary>Pages as a difference from as many base pages: a patch where little changed, else zstd with the base as prefix.</summary>
internal static class DeltaCodec
{
    /// <summary>A patch this small, a page, is taken without looking what zstd makes of it.</summary>
    private const int SurePatchBytes = 64;

    /// <summary>No patch is larger, a page.</summary>
    private const int MaxPatchBytes = 512;

    /// <summary>Encodes pages.</summary>
    /// <param name="pages">The pages.</param>
    /// <param name="bases">Their bases, as many.</param>
    /// <param name="into">Room for the result.</param>
    /// <param name="level">zstd level.</param>
    /// <param name="length">Bytes written; 0 if they would not fit.</param>
    public static BlockEncoding Encode(ReadOnlySpan<byte> pages, ReadOnlySpan<byte> bases, Span<byte> into, int level, out int length)
    {
        int count = pages.Length / PageRange.PageSize;
        Span<byte> patch = stackalloc byte[BlockHead.MaxPages * MaxPatchBytes];
        bool isPatch = PagePatch.TryEncode(pages, bases, patch[..Math.Min(count * MaxPatchBytes, into.Length)], out int patchLength);
        if (!isPatch || patchLength > count * SurePatchBytes)
        {
            length = Zstd.Compress(pages, bases, into, level);
            // A patch is read faster by far: that is worth some bytes.
            if (length > 0 && (!isPatch || patchLength > length + (length / 8)))
                return BlockEncoding.Delta;
            if (!isPatch)
                return BlockEncoding.Delta;
        }
        patch[..patchLength].CopyTo(into);
        length = patchLength;
        return BlockEncoding.Patch;
    }
}
