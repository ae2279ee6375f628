using Snap.Image;

namespace Snap.Store.Tests.Model;

/// <summary>What a snapshot must hold: the plain dictionary that the store is compared with.</summary>
internal sealed class ModelSnapshot
{
    /// <summary>Pages by space; null is an explicit zero page.</summary>
    public SortedDictionary<uint, SortedDictionary<ulong, byte[]?>> Spaces { get; } = [];

    public byte[] Image { get; set; } = [];

    public byte[] Facts { get; set; } = [];

    public string Name { get; set; } = "";

    public SnapshotId Parent { get; set; }

    public ModelSnapshot Copy()
    {
        var copy = new ModelSnapshot();
        foreach ((uint space, SortedDictionary<ulong, byte[]?> pages) in Spaces)
            copy.Spaces.Add(space, new SortedDictionary<ulong, byte[]?>(pages));
        return copy;
    }

    /// <summary>Throws unless the store's snapshot is this one, byte by byte.</summary>
    public void AssertEqual(SnapshotContent content)
    {
        Assert.Equal(Name, content.Info.Name);
        Assert.Equal(Parent, content.Info.Parent);
        Assert.Equal(Facts, content.Info.Facts.ToArray());
        Assert.Equal(Image, content.ReadImage());
        Assert.Equal(Spaces.Keys, content.Spaces.Select(space => space.Value));
        byte[] buffer = new byte[64 * PageRange.PageSize];
        foreach ((uint space, SortedDictionary<ulong, byte[]?> pages) in Spaces)
        {
            var expected = pages.GetEnumerator();
            foreach (PageRun run in content.Runs(new SpaceId(space)))
            {
                for (ulong first = run.Range.First; first < run.Range.End; first += 64)
                {
                    int count = (int)Math.Min(64, run.Range.End - first);
                    Span<byte> read = buffer.AsSpan(0, count * PageRange.PageSize);
                    if (first % 2 == 0)
                        content.ReadPages(new SpaceId(space), first, read);
                    else
                        content.ReadPagesInParallel(new SpaceId(space), first, buffer.AsMemory(0, read.Length));
                    for (int i = 0; i < count; i++)
                    {
                        Assert.True(expected.MoveNext(), $"page {first + (ulong)i} of space {space} should be absent");
                        Assert.Equal(expected.Current.Key, first + (ulong)i);
                        Assert.Equal(expected.Current.Value is null ? PageState.Zero : PageState.Data, run.State);
                        ReadOnlySpan<byte> page = read.Slice(i * PageRange.PageSize, PageRange.PageSize);
                        bool isEqual = expected.Current.Value is null ? !page.ContainsAnyExcept((byte)0) : page.SequenceEqual(expected.Current.Value);
                        Assert.True(isEqual, $"page {first + (ulong)i} of space {space} in {content.Info} has other bytes");
                    }
                }
            }
            Assert.False(expected.MoveNext(), $"space {space} lacks pages in {content.Info}");
        }
    }
}
