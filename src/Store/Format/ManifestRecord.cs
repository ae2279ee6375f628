// Body of a manifest, which takes one slot:
//   0  u8      flags: 1 = full, 2 = the rest behind the head is zstd
//   1  varint  bytes of the increments' manifests since the last full one, this one not included
//   .  varint  bytes of that full one (0 in a full one)
//   .  only in an increment: varint segment, varint slot of the manifest that it changes
//   .  only if zstd: varint length of the rest when decoded
//   .  the rest:
//        varint  spaces removed; each: varint id - last id
//        varint  spaces; each, ids ascending:
//          varint  id - last id
//          u8      1 = these are all its pages; 0 = changes
//          varint  runs; each, ascending:
//            varint  pages skipped since the end of the run before
//            varint  ((pages - 1) << 2) | state; state 0 data, 1 zero, 2 dropped, 3 data in the same segment as the data run before
//            state 0: varint segment, varint slot
//            state 3: varint slot - (end of the data run before), zigzag
using Snap.Image;
using Snap.Store.Blocks;
using Snap.Store.Pages;

namespace Snap.Store.Format;

/// <summary>The codec of manifests.</summary>
internal static class ManifestRecord
{
    public const byte Version = 1;

    /// <summary>Longest decoded rest.</summary>
    private const int MaxRest = 512 << 20;
    private const int StateData = 0, StateZero = 1, StateDropped = 2, StateNear = 3;

    public static void Encode(ByteWriter to, Manifest manifest)
    {
        var rest = new ByteWriter(1024);
        EncodeSpaces(rest, manifest);
        byte[] packed = [];
        int packedLength = 0;
        if (rest.Length >= 64)
        {
            packed = new byte[rest.Length];
            packedLength = Zstd.Compress(rest.Written, default, packed, level: 1);
        }
        bool isPacked = packedLength > 0 && packedLength < rest.Length - 8;
        to.Byte((byte)((manifest.IsFull ? 1 : 0) | (isPacked ? 2 : 0)));
        to.Varint((ulong)manifest.ChainBytes);
        to.Varint((ulong)manifest.FullBytes);
        if (!manifest.IsFull)
        {
            to.Varint(manifest.Base.Segment);
            to.Varint(manifest.Base.Slot);
        }
        if (isPacked)
            to.Varint((ulong)rest.Length);
        to.Bytes(isPacked ? packed.AsSpan(0, packedLength) : rest.Written);
    }

    /// <exception cref="FormatException">The bytes are no manifest.</exception>
    public static Manifest Decode(ReadOnlySpan<byte> body, ulong maxPages = MaxPages)
    {
        var reader = new ByteReader(body);
        byte flags = reader.Byte();
        if (flags > 3)
            throw new FormatException("unknown flags");
        bool isFull = (flags & 1) != 0;
        long chainBytes = (long)reader.Varint(long.MaxValue);
        long fullBytes = (long)reader.Varint(long.MaxValue);
        SlotAddress basis = isFull ? SlotAddress.None : new SlotAddress(reader.Varint32(), reader.Varint32());
        if (!isFull && basis.Segment == 0)
            throw new FormatException("an increment without a base");
        var manifest = new Manifest { IsFull = isFull, Base = basis, ChainBytes = chainBytes, FullBytes = fullBytes };
        if ((flags & 2) == 0)
        {
            DecodeSpaces(body[reader.Position..], manifest, maxPages);
            return manifest;
        }
        int length = (int)reader.Varint(MaxRest);
        ReadOnlySpan<byte> packed = body[reader.Position..];
        // zstd reaches some 32,000 to 1 at most; a length beyond that is a lie that would cost memory.
        if (length / 40_000 > packed.Length)
            throw new FormatException("the length doesn't fit the bytes");
        byte[] rest = new byte[length];
        if (!Zstd.TryDecompress(packed, default, rest))
            throw new FormatException("zstd can't decode it");
        DecodeSpaces(rest, manifest, maxPages);
        return manifest;
    }

    private static void EncodeSpaces(ByteWriter to, Manifest manifest)
    {
        to.Varint((ulong)manifest.Removed.Count);
        uint lastId = 0;
        foreach (SpaceId removed in manifest.Removed.Order())
        {
            to.Varint(removed.Value - lastId);
            lastId = removed.Value;
        }
        to.Varint((ulong)manifest.Spaces.Count);
        lastId = 0;
        foreach ((SpaceId id, ManifestSpace space) in manifest.Spaces)
        {
            to.Varint(id.Value - lastId);
            lastId = id.Value;
            to.Byte(space.Replaces ? (byte)1 : (byte)0);
            EncodeRuns(to, [.. space.Pages.Runs()]);
        }
    }

    private static void EncodeRuns(ByteWriter to, List<AddressRun> runs)
    {
        to.Varint((ulong)runs.Count);
        ulong expectedPage = 0;
        uint segment = 0;
        ulong expectedSlot = 0;
        foreach (AddressRun run in runs)
        {
            to.Varint(run.First - expectedPage);
            expectedPage = run.First + run.Count;
            ulong head = (run.Count - 1) << 2;
            if (!PageMap.IsData(run.Value))
            {
                to.Varint(head | (run.Value == PageMap.Zero ? (uint)StateZero : StateDropped));
                continue;
            }
            var address = new SlotAddress(run.Value);
            if (address.Segment == segment)
            {
                to.Varint(head | StateNear);
                long distance = address.Slot - (long)expectedSlot;
                to.Varint((ulong)((distance << 1) ^ (distance >> 63)));
            }
            else
            {
                to.Varint(head | StateData);
                to.Varint(address.Segment);
                to.Varint(address.Slot);
                segment = address.Segment;
            }
            expectedSlot = address.Slot + run.Count;
        }
    }

    private static void DecodeSpaces(ReadOnlySpan<byte> rest, Manifest manifest, ulong pagesLeft)
    {
        var reader = new ByteReader(rest);
        uint lastId = 0;
        for (int left = reader.Count(); left > 0; left--)
            manifest.Removed.Add(new SpaceId(lastId = NextId(ref reader, lastId)));
        lastId = 0;
        for (int left = reader.Count(3); left > 0; left--)
        {
            lastId = NextId(ref reader, lastId);
            byte replaces = reader.Byte();
            if (replaces > 1)
                throw new FormatException("unknown flags of a space");
            var pages = new PageMap();
            DecodeRuns(ref reader, pages, ref pagesLeft);
            manifest.Spaces.Add(new SpaceId(lastId), new ManifestSpace(replaces == 1, pages));
        }
        reader.End();
    }

    private static uint NextId(ref ByteReader reader, uint lastId)
    {
        ulong id = lastId + reader.Varint(uint.MaxValue);
        return id > lastId && id <= uint.MaxValue ? (uint)id : throw new FormatException("a space's id is out of order");
    }

    private static void DecodeRuns(ref ByteReader reader, PageMap pages, ref ulong pagesLeft)
    {
        ulong page = 0;
        uint segment = 0;
        long slot = 0;
        for (int left = reader.Count(2); left > 0; left--)
        {
            page += reader.Varint(PageLimit);
            ulong head = reader.Varint();
            ulong count = (head >> 2) + 1;
            if (page > PageLimit || count > PageLimit || page + count > PageLimit)
                throw new FormatException("a run of pages leaves the space");
            int state = (int)(head & 3);
            ulong value = state == StateZero ? PageMap.Zero : PageMap.Dropped;
            bool isData = state is StateData or StateNear;
            if (isData)
            {
                if (state == StateData)
                {
                    segment = reader.Varint32();
                    slot = reader.Varint32();
                }
                else
                {
                    ulong zigzag = reader.Varint(uint.MaxValue * 4ul);
                    slot += (long)(zigzag >> 1) ^ -(long)(zigzag & 1);
                }
                if (segment == 0 || slot < 0 || slot + (long)count > uint.MaxValue)
                    throw new FormatException("a run of slots leaves its segment");
                value = new SlotAddress(segment, (uint)slot).Value;
                slot += (long)count;
            }
            // Pages take memory, runs don't: a crafted manifest must not exhaust it.
            if (count > pagesLeft)
                throw new FormatException("too many pages");
            pagesLeft -= count;
            for (ulong i = 0; i < count; i++)
                pages.Set(page + i, isData ? value + i : value);
            page += count;
        }
    }

    /// <summary>Pages of the widest space: offsets have 64 bits.</summary>
    private const ulong PageLimit = 1ul << (64 - PageRange.PageShift);

    /// <summary>Most pages that one manifest may speak of: 256 GiB.</summary>
    private const ulong MaxPages = 1ul << 26;
}
