using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Format;
using Snap.Store.Pages;
using Snap.Store.Segments;

namespace Snap.Store;

/// <summary>A snapshot, open for reading; safe from several threads. Keeps a lease of the store while it is open.</summary>
public sealed class SnapshotContent : IDisposable
{
    private readonly StoreVersion _version;
    private readonly SnapshotEntry _entry;
    private readonly SortedDictionary<SpaceId, PageMap> _maps;
    private int _isDisposed;

    internal SnapshotContent(StoreVersion version, SnapshotEntry entry)
    {
        (_version, _entry) = (version, entry);
        _maps = version.Slots.ReadMaps(entry.Manifest);
        Spaces = [.. _maps.Keys];
    }

    /// <summary>What lists show of it.</summary>
    public SnapshotInfo Info => _entry.Info;

    /// <summary>Its spaces, ascending.</summary>
    public IReadOnlyList<SpaceId> Spaces { get; }

    internal IReadOnlyDictionary<SpaceId, PageMap> Maps => _maps;

    internal SlotStore Slots => _version.Slots;

    /// <summary>The kernel state that was given to <see cref="SnapshotBuilder.Commit"/>.</summary>
    /// <exception cref="SnapException">It is damaged.</exception>
    public byte[] ReadImage() => _version.Slots.ReadImage(_entry.Image);

    /// <summary>The pages of a space that aren't absent, ascending; empty if there is no such space.</summary>
    public IEnumerable<PageRun> Runs(SpaceId space)
    {
        if (!_maps.TryGetValue(space, out PageMap? map))
            yield break;
        PageRun run = default;
        foreach ((ulong page, ulong value) in map.Ascending())
        {
            PageState state = PageMap.IsData(value) ? PageState.Data : PageState.Zero;
            if (run.Range.Count > 0 && page == run.Range.End && state == run.State)
            {
                run = run with { Range = run.Range with { Count = run.Range.Count + 1 } };
                continue;
            }
            if (run.Range.Count > 0)
                yield return run;
            run = new PageRun(new PageRange(page, 1), state);
        }
        if (run.Range.Count > 0)
            yield return run;
    }

    /// <summary>Copies pages; those that are absent or zero read as zeros.</summary>
    /// <param name="space">The space.</param>
    /// <param name="firstPage">First page.</param>
    /// <param name="into">A multiple of the page size.</param>
    /// <exception cref="SnapException">A page is damaged: it is never returned, and nothing of what was copied counts.</exception>
    public void ReadPages(SpaceId space, ulong firstPage, Span<byte> into)
    {
        if (into.Length % PageRange.PageSize != 0)
            throw new ArgumentException("must be a multiple of the page size", nameof(into));
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        if (!_maps.TryGetValue(space, out PageMap? map))
        {
            into.Clear();
            return;
        }
        while (into.Length > 0)
        {
            int done = ReadSome(map, space, firstPage, into);
            firstPage += (ulong)(done >> PageRange.PageShift);
            into = into[done..];
        }
    }

    /// <summary>Copies pages as <see cref="ReadPages"/> does, decoding on all cores; for a mebibyte and more at a time.</summary>
    /// <exception cref="SnapException">A page is damaged: nothing of what was copied counts.</exception>
    public void ReadPagesInParallel(SpaceId space, ulong firstPage, Memory<byte> into)
    {
        const int PartBytes = 64 * PageRange.PageSize;
        try
        {
            Parallel.For(0, (into.Length + PartBytes - 1) / PartBytes, part =>
            {
                int at = part * PartBytes;
                ReadPages(space, firstPage + (ulong)(at >> PageRange.PageShift), into.Slice(at, Math.Min(PartBytes, into.Length - at)).Span);
            });
        }
        catch (AggregateException failures) when (failures.InnerExceptions.OfType<SnapException>().FirstOrDefault() is { } first)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            _version.Release();
    }

    /// <summary>Copies the first page, and those behind it that come from the same block.</summary>
    /// <returns>Bytes copied.</returns>
    private int ReadSome(PageMap map, SpaceId space, ulong page, Span<byte> into)
    {
        ulong value = map.Get(page);
        if (!PageMap.IsData(value))
        {
            into[..PageRange.PageSize].Clear();
            return PageRange.PageSize;
        }
        try
        {
            return ReadFromBlock(map, page, new SlotAddress(value), into);
        }
        catch (SnapException damage) when (damage.Kind == ErrorCatalogue.StoreDamaged)
        {
            throw new SnapException(damage.Kind, $"page {page << PageRange.PageShift:x} of {space} in snapshot {Info} is damaged",
                damage.Where, damage.Why, damage.ToDo, damage);
        }
    }

    private int ReadFromBlock(PageMap map, ulong page, SlotAddress address, Span<byte> into)
    {
        SlotStore slots = _version.Slots;
        SegmentFile file = slots.Locate(address, out SlotEntry entry);
        int count = 1;
        int most = Math.Min(into.Length >> PageRange.PageShift, entry.Span);
        while (count < most && map.Get(page + (ulong)count) == address.Value + (ulong)count && entry.Holds(address.Slot + (uint)count))
            count++;
        Span<byte> target = into[..(count * PageRange.PageSize)];
        // Wanted whole: decoded where it is wanted. What is wanted in parts is likely a base of what replaced the rest, and kept for that.
        DecodedBlock? block = slots.Cache.Find(file, entry.Offset);
        if (block is null && count == entry.Count)
        {
            slots.ReadWholeBlock(file, entry, target);
            return target.Length;
        }
        using (block ??= slots.ReadBlock(file, entry, BlockHead.MaxDecodedBytes, byte.MaxValue))
        {
            for (int i = 0; i < count; i++)
                block.Page(address.Slot + (uint)i).CopyTo(target[(i * PageRange.PageSize)..]);
        }
        return target.Length;
    }
}
