// A page's way: a zero test, a comparison with its previous version, a hash, then a group with its neighbours, which is encoded on another
// thread and appended in the order the groups were closed. Two groups are open at once, for pages with a base and for new ones, so that
// these don't break each other's runs. At most MaxInFlight groups wait for their encoding: Put waits then, which is the backpressure.
using System.IO.Hashing;
using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Format;
using Snap.Store.Pages;
using Snap.Store.Segments;

namespace Snap.Store;

public sealed partial class SnapshotBuilder
{
    private const int MaxInFlight = 12;

    /// <summary>A delta this small, a page, costs less to store again than its hash costs to keep.</summary>
    private const int MinBytesToIndex = 192;
    private readonly DeltaRules _rules;
    private readonly List<SegmentWriter> _segments = [];
    private readonly List<CommitExtent> _extents = [];
    private readonly Dictionary<ulong, SlotAddress> _hashes = [];
    private readonly Queue<PageGroup> _inFlight = new();
    private readonly Stack<PageGroup> _idle = new();
    private readonly List<SlotAddress> _hot = [];
    private readonly ByteWriter _head = new();
    private readonly PagePins _pins = new();
    private PageGroup _newPages = new();
    private PageGroup _changedPages = new();
    private long _given, _zero, _unchanged, _deduplicated, _stored, _delta;

    private void PutPage(SpaceDraft draft, ulong page, ReadOnlySpan<byte> bytes)
    {
        _given++;
        if (!bytes.ContainsAnyExcept((byte)0))
        {
            _zero++;
            draft.Set(page, PageMap.Zero);
            return;
        }
        ulong before = draft.Before(page);
        PageVersion? previous = PageMap.IsData(before) ? _writer.FindPage(new SlotAddress(before), _pins) : FindInSibling(draft, page, bytes, out before);
        if (previous is not null && previous.Bytes.Span.SequenceEqual(bytes))
        {
            if (draft.Replaces)
                _deduplicated++;
            else
                _unchanged++;
            draft.Set(page, before);
            return;
        }
        ulong hash = (ulong)XxHash128.HashToUInt128(bytes, (long)_writer.HashSeed);
        if (TryFindEqual(hash, bytes, out SlotAddress equal))
        {
            _deduplicated++;
            draft.Set(page, equal.Value);
            return;
        }
        draft.Set(page, StorePage(draft.Space, bytes, hash, previous).Value);
    }

    private bool TryFindEqual(ulong hash, ReadOnlySpan<byte> bytes, out SlotAddress equal)
    {
        if (!_hashes.TryGetValue(hash, out equal))
        {
            ulong stage = _writer.CollectionStage;
            return _writer.TryFindHash(hash, _stored, out equal) && _writer.FindPage(equal, _pins) is { } found && found.Bytes.Span.SequenceEqual(bytes)
                && _writer.TryBorrow(this, found, stage);
        }
        foreach (PageGroup open in (ReadOnlySpan<PageGroup>)[_newPages, _changedPages])
        {
            if (open.Holds(equal))
                return open.Page(equal).SequenceEqual(bytes);
        }
        foreach (PageGroup waiting in _inFlight)
        {
            if (waiting.Holds(equal))
                return waiting.Page(equal).SequenceEqual(bytes);
        }
        uint holder = equal.Segment;
        _segments.Find(segment => segment.Entry.Segment == holder)?.Flush();
        return _writer.FindPage(equal, _pins) is { } stored && stored.Bytes.Span.SequenceEqual(bytes);
    }

    private SlotAddress StorePage(SpaceId space, ReadOnlySpan<byte> bytes, ulong hash, PageVersion? previous)
    {
        bool isWorn = previous is not null && _rules.IsWorn(previous);
        PageVersion? basis = previous is null || isWorn ? null : BaseOf(previous);
        ref PageGroup group = ref basis is null ? ref _newPages : ref _changedPages;
        if (!group.Admits(space, basis))
            Close(ref group);
        if (group.Count == 0)
            group.Begin(space, Segment().TakeSlots(BlockHead.MaxPages));
        SlotAddress address = group.Add(bytes, hash, basis, previous);
        group.IsHot |= previous is not null;
        _hashes[hash] = address;
        _stored++;
        if (basis is not null)
            _writer.HotPages.Add(basis);
        return address;
    }

    /// <summary>The base to try first: siblings share one.</summary>
    private PageVersion BaseOf(PageVersion previous)
    {
        if (!previous.Head.HasBase || _rules.SiblingBytes == 0)
            return previous;
        return _writer.FindPage(previous.Head.Base.Page(previous.Index), _pins) ?? previous;
    }

    /// <summary>The segment to append to; the next one if it is full. Open groups have their slots in it, so they are finished first.</summary>
    private SegmentWriter Segment()
    {
        if (_segments.Count > 0 && _segments[^1].Position < _writer.Options.SegmentBytes)
            return _segments[^1];
        if (_segments.Count > 0)
        {
            FlushGroups();
            _extents.Add(_segments[^1].AppendTables());
            _segments[^1].Flush();
        }
        _segments.Add(_writer.OpenSegment(_name, isFirst: _segments.Count == 0));
        return _segments[^1];
    }

    /// <summary>Sends a group to be encoded, and puts an empty one in its place.</summary>
    private void Close(ref PageGroup group)
    {
        if (group.Count == 0)
            return;
        group.Queue(_rules);
        _writer.Encoder.Add(group);
        _inFlight.Enqueue(group);
        group = _idle.TryPop(out PageGroup? idle) ? idle : new PageGroup();
        while (_inFlight.Count >= MaxInFlight)
            AppendOldest();
    }

    private void FlushGroups()
    {
        Close(ref _newPages);
        Close(ref _changedPages);
        while (_inFlight.Count > 0)
            AppendOldest();
    }

    private void AppendOldest()
    {
        PageGroup group = _inFlight.Dequeue();
        // Rather than wait for it: what no other thread has begun.
        group.TryEncode();
        foreach (PageGroup next in _inFlight)
        {
            if (group.IsEncoded)
                break;
            next.TryEncode();
        }
        group.Wait();
        SegmentWriter segment = _segments[^1];
        _head.Clear();
        group.Head.Encode(_head);
        segment.AppendSlots(RecordKind.Block, BlockHead.Version, group.First.Slot, group.Count, _head.Written, group.Payload);
        bool isDelta = group.Head.HasBase;
        if (isDelta)
            _delta += group.Count;
        if (!isDelta || group.Payload.Length >= MinBytesToIndex * group.Count)
        {
            for (int i = 0; i < group.Count; i++)
                segment.AddHash(group.First.Slot + (uint)i, group.Hashes[i]);
        }
        if (group.IsHot)
            KeepHot(group);
        group.Clear();
        _idle.Push(group);
    }

    /// <summary>These pages changed once, they will again: their last versions stay at hand.</summary>
    private void KeepHot(PageGroup group)
    {
        for (int i = 0; i < group.Count; i++)
        {
            var address = new SlotAddress(group.First.Value + (ulong)i);
            _hot.Add(address);
            _writer.HotPages.Add(new PageVersion(address, group.PageMemory(address), group.First.Slot, i, group.Head, group.Payload.Length / group.Count));
        }
    }

    private void GiveUpGroups()
    {
        foreach (PageGroup group in _inFlight)
            group.WaitUnused();
        foreach (SlotAddress address in _hot)
            _writer.HotPages.Remove(address);
    }

    private SlotAddress AppendImage(ReadOnlySpan<byte> image)
    {
        SlotAddress basis = SlotAddress.None;
        byte[] below = [];
        int depth = 0;
        if (_parent is not null && image.Length > 0)
        {
            below = _writer.ReadImageOrNothing(_parent.Image, out depth);
            basis = _parent.Image;
        }
        bool isDelta = below.Length > 0 && depth < ImageHead.MaxDepth;
        byte[] packed = new byte[image.Length];
        int length = image.Length < 64 ? 0 : Zstd.Compress(image, isDelta ? below : default, packed, level: 3);
        BlockEncoding encoding = length == 0 ? BlockEncoding.Raw : isDelta ? BlockEncoding.Delta : BlockEncoding.Zstd;
        _head.Clear();
        new ImageHead(encoding, image.Length, depth + 1, basis).Encode(_head);
        SegmentWriter segment = Segment();
        SlotAddress address = segment.TakeSlots(1);
        segment.AppendSlots(RecordKind.Image, ImageHead.Version, address.Slot, 1, _head.Written, length > 0 ? packed.AsSpan(0, length) : image);
        return address;
    }
}
