// How a group becomes a block. Bytes decoded to read a page are bounded, and reading any version stays flat, because deltas form a tree of
// little depth and not a chain:
// - A page whose previous version is no delta gets that as base (depth 1).
// - Otherwise the base of the previous version is tried first: versions are siblings, and depth doesn't grow.
// - When siblings have drifted apart (more than SiblingBytes a page), the previous version itself is the base, one deeper, up to MaxDepth.
// - When neither helps, the pages are encoded alone, and start a new tree.
// docs/design.md has the measurements against a chain and a star.
using System.Numerics;
using Snap.Image;
using Snap.Store.Format;

namespace Snap.Store.Blocks;

/// <summary>Up to 16 pages that become one block: with bases that lie in one block, or without.</summary>
internal sealed class PageGroup
{
    private const int Queued = 1, Begun = 2;
    private readonly byte[] _pages = new byte[BlockHead.MaxPages * PageRange.PageSize];
    private readonly byte[] _bases = new byte[BlockHead.MaxPages * PageRange.PageSize];
    private readonly byte[] _previous = new byte[BlockHead.MaxPages * PageRange.PageSize];
    private readonly byte[] _packed = new byte[BlockHead.MaxPages * PageRange.PageSize];
    private readonly byte[] _trial = new byte[BlockHead.MaxPages * PageRange.PageSize];
    private readonly ulong[] _hashes = new ulong[BlockHead.MaxPages];
    private readonly ManualResetEventSlim _done = new(initialState: false, spinCount: 1);
    private PageVersion? _firstBase;
    private PageVersion? _firstPrevious;
    private SlotAddress _lastBase;
    private SlotAddress _lastPrevious;
    private ushort _baseMask;
    private ushort _previousMask;
    private bool _isPreviousOneBlock;
    private int _packedLength;
    private DeltaRules? _rules;
    private int _stage;
    private Exception? _failure;

    public int Count { get; private set; }

    /// <summary>Where the pages lie from; 16 slots are taken for each group.</summary>
    public SlotAddress First { get; private set; }

    public SpaceId Space { get; private set; }

    /// <summary>The head of the block, once encoded.</summary>
    public BlockHead Head { get; private set; }

    /// <summary>The payload, once encoded.</summary>
    public ReadOnlySpan<byte> Payload => Head.Encoding == BlockEncoding.Raw ? Pages : _packed.AsSpan(0, _packedLength);

    public ReadOnlySpan<ulong> Hashes => _hashes.AsSpan(0, Count);

    /// <summary>True if a page of it has a previous version, and so will have a next one.</summary>
    public bool IsHot { get; set; }

    private ReadOnlySpan<byte> Pages => _pages.AsSpan(0, Count * PageRange.PageSize);

    /// <summary>True if a page with this base, or none, may join.</summary>
    public bool Admits(SpaceId space, PageVersion? basis)
    {
        if (Count == 0)
            return true;
        if (Count == BlockHead.MaxPages || Space != space || (basis is null) != (_firstBase is null))
            return false;
        return basis is null || (basis.SharesBlock(_firstBase!) && basis.Address.Slot > _lastBase.Slot);
    }

    public void Begin(SpaceId space, SlotAddress first)
    {
        Invariant.Holds(Count == 0);
        (Space, First) = (space, first);
        (_failure, _stage) = (null, 0);
        _done.Reset();
    }

    /// <summary>Adds a page.</summary>
    /// <param name="page">Its bytes.</param>
    /// <param name="hash">Their hash.</param>
    /// <param name="basis">The base to try first, if it has one.</param>
    /// <param name="previous">The page's previous version; the same as the base, or the base's other delta.</param>
    public SlotAddress Add(ReadOnlySpan<byte> page, ulong hash, PageVersion? basis, PageVersion? previous)
    {
        int offset = Count * PageRange.PageSize;
        page.CopyTo(_pages.AsSpan(offset));
        _hashes[Count] = hash;
        if (basis is not null)
        {
            Invariant.Holds(previous is not null);
            if (Count == 0)
                (_firstBase, _firstPrevious, _baseMask, _previousMask, _isPreviousOneBlock) = (basis.WithoutBytes(), previous.WithoutBytes(), 0, 0, true);
            basis.Bytes.Span.CopyTo(_bases.AsSpan(offset));
            _baseMask |= (ushort)(1 << (int)(basis.Address.Slot - _firstBase!.Address.Slot));
            _isPreviousOneBlock &= previous.SharesBlock(_firstPrevious!) && (Count == 0 || previous.Address.Slot > _lastPrevious.Slot);
            if (_isPreviousOneBlock)
            {
                previous.Bytes.Span.CopyTo(_previous.AsSpan(offset));
                _previousMask |= (ushort)(1 << (int)(previous.Address.Slot - _firstPrevious!.Address.Slot));
            }
            (_lastBase, _lastPrevious) = (basis.Address, previous.Address);
        }
        return new SlotAddress(First.Value + (ulong)Count++);
    }

    public bool Holds(SlotAddress address) => Count > 0 && address.Value - First.Value < (ulong)Count;

    public ReadOnlySpan<byte> Page(SlotAddress address) => PageMemory(address).Span;

    public ReadOnlyMemory<byte> PageMemory(SlotAddress address) =>
        _pages.AsMemory((int)(address.Value - First.Value) * PageRange.PageSize, PageRange.PageSize);

    /// <summary>True if it waits to be encoded, and nobody has begun.</summary>
    public bool IsQueued => Volatile.Read(ref _stage) == Queued;

    public bool IsEncoded => _done.IsSet;

    /// <summary>It is full: whoever calls <see cref="TryEncode"/> first encodes it.</summary>
    public void Queue(DeltaRules rules)
    {
        _rules = rules;
        Volatile.Write(ref _stage, Queued);
    }

    /// <summary>Encodes it, unless somebody else does or did; <see cref="Wait"/> tells how it went.</summary>
    public void TryEncode()
    {
        if (Interlocked.CompareExchange(ref _stage, Begun, Queued) != Queued)
            return;
        try
        {
            Encode(_rules!);
        }
        catch (Exception failure)
        {
            // Perhaps on a thread of the encoder's: the builder is told.
            _failure = failure;
        }
        _done.Set();
    }

    /// <summary>Waits until nobody works on it; how it went doesn't matter.</summary>
    public void WaitUnused()
    {
        if (Interlocked.CompareExchange(ref _stage, Begun, Queued) != Queued)
            _done.Wait();
    }

    /// <summary>Waits until it is encoded.</summary>
    public void Wait()
    {
        _done.Wait();
        if (_failure is not null)
            throw new InvalidOperationException("a block could not be encoded", _failure);
    }

    public void Clear()
    {
        (Count, IsHot) = (0, false);
        (_firstBase, _firstPrevious) = (null, null);
    }

    /// <summary>Chooses among raw, zstd and deltas, and encodes.</summary>
    public void Encode(DeltaRules rules)
    {
        int budget = Pages.Length - (Pages.Length / 32);
        if (_firstBase is not null && TryDelta(rules, budget))
            return;
        _packedLength = Zstd.Compress(Pages, default, _packed.AsSpan(0, budget), rules.Level);
        Head = new BlockHead(_packedLength > 0 ? BlockEncoding.Zstd : BlockEncoding.Raw, Count, First.Slot, Pages.Length, 0, default);
    }

    private bool TryDelta(DeltaRules rules, int budget)
    {
        int best = 0;
        BlockHead head = default;
        int limit = rules.SiblingBytes * Count;
        if (rules.Allows(_firstBase!, Pages.Length))
        {
            BlockEncoding encoding = DeltaCodec.Encode(Pages, _bases.AsSpan(0, Pages.Length), _packed.AsSpan(0, budget), rules.Level, out best);
            head = HeadOf(encoding, _firstBase!, _baseMask);
        }
        bool isSibling = _firstPrevious!.Address != _firstBase!.Address;
        if (isSibling && _isPreviousOneBlock && (best == 0 || best > limit) && rules.Allows(_firstPrevious, Pages.Length))
        {
            BlockEncoding encoding = DeltaCodec.Encode(Pages, _previous.AsSpan(0, Pages.Length), _trial.AsSpan(0, best > 0 ? best / 2 : budget), rules.Level, out int deeper);
            if (deeper > 0)
            {
                _trial.AsSpan(0, deeper).CopyTo(_packed);
                (best, head) = (deeper, HeadOf(encoding, _firstPrevious, _previousMask));
            }
        }
        if (best == 0)
            return false;
        // Very far from its base: perhaps it is hardly larger alone, and then it is also the better base for the next version.
        if (best > 2 * limit)
        {
            int alone = Zstd.Compress(Pages, default, _trial.AsSpan(0, Math.Min(budget, best + (best / 4))), rules.Level);
            if (alone > 0)
            {
                _trial.AsSpan(0, alone).CopyTo(_packed);
                (best, head) = (alone, new BlockHead(BlockEncoding.Zstd, Count, First.Slot, Pages.Length, 0, default));
            }
        }
        (_packedLength, Head) = (best, head);
        return true;
    }

    private BlockHead HeadOf(BlockEncoding encoding, PageVersion first, ushort mask)
    {
        Invariant.Holds(BitOperations.PopCount(mask) == Count);
        return new BlockHead(encoding, Count, First.Slot, first.Head.DecodedBytes + Pages.Length, first.Head.Depth + 1,
            new BlockBase(first.Address.Segment, first.Address.Slot, mask));
    }
}

/// <summary>What decides between encodings.</summary>
/// <param name="Level">zstd level.</param>
/// <param name="SiblingBytes">A delta larger than this, a page, looks for a nearer base.</param>
/// <param name="MaxDepth">Blocks below a delta, at most.</param>
/// <param name="WornBytes">A delta as large as this, a page, that isn't the first above its root, gets no more deltas.</param>
internal sealed record DeltaRules(int Level, int SiblingBytes, int MaxDepth, int WornBytes)
{
    private const int WornDepth = 2;

    /// <summary>True if the page is read through several blocks that are hardly smaller than a new one would be: its next version begins
    /// anew, in one block with its neighbours of which the same holds.</summary>
    public bool IsWorn(PageVersion page) => page.Head.Encoding == BlockEncoding.Delta && page.Head.Depth >= WornDepth && page.StoredBytes >= WornBytes;

    /// <summary>True if a block of so many bytes may have this page's block as base.</summary>
    public bool Allows(PageVersion basis, int bytes) =>
        basis.Head.Depth < MaxDepth && basis.Head.DecodedBytes + bytes <= BlockHead.MaxDecodedBytes;
}
