using Snap.Image;

namespace Snap.Dumper.Host;

/// <summary>Who is told what a tracer found, page by page, in the order it was published: a later word on a page overrides an earlier one.</summary>
public interface IPageReceiver
{
    /// <summary>Contents of neighbouring pages; the bytes are valid during the call only.</summary>
    void Pages(SpaceId space, ulong firstPage, ReadOnlySpan<byte> bytes);

    /// <summary>The pages are all zero.</summary>
    void Zero(SpaceId space, PageRange range);

    /// <summary>The pages are absent.</summary>
    void Drop(SpaceId space, PageRange range);

    /// <summary>The space exists no more.</summary>
    void Removed(SpaceId space);
}
