// The config file is one record (kind Config) with the body
//   0  16   store id
//  16  u64  seed of the hashes, secret
//  24  u32  page size (4096)
//  28  u64  compatible features: unknown ones may be ignored
//  36  u64  read-only features: a store with unknown ones may be read, not written
//  44  u64  incompatible features: a store with unknown ones can't be used
// and nothing behind it. It is written under another name, synced, and renamed: a store exists once its config does.
using System.Security.Cryptography;
using Snap.Image;

namespace Snap.Store.Format;

/// <summary>What is fixed for the life of a store.</summary>
internal sealed record StoreConfig(UInt128 StoreId, ulong HashSeed)
{
    public const string Path = "config";
    public const byte Version = 1;
    private const int BodySize = 52;

    /// <summary>Feature bits that this version knows, of the three kinds.</summary>
    private const ulong KnownCompatible = 0, KnownReadOnly = 0, KnownIncompatible = 0;

    public static StoreConfig New()
    {
        Span<byte> random = stackalloc byte[24];
        RandomNumberGenerator.Fill(random);
        return new StoreConfig(BitConverter.ToUInt128(random), BitConverter.ToUInt64(random[16..]));
    }

    public byte[] Encode(ulong readOnlyFeatures = KnownReadOnly, ulong incompatibleFeatures = KnownIncompatible)
    {
        var to = new ByteWriter();
        to.Take(RecordFrame.HeaderSize);
        to.U64((ulong)StoreId);
        to.U64((ulong)(StoreId >> 64));
        to.U64(HashSeed);
        to.U32(PageRange.PageSize);
        to.U64(KnownCompatible);
        to.U64(readOnlyFeatures);
        to.U64(incompatibleFeatures);
        RecordFrame.Seal(to.WrittenFrom(0), RecordKind.Config, Version, default);
        return to.Written.ToArray();
    }

    /// <summary>Decodes the file's bytes.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="path">For messages.</param>
    /// <param name="forWriting">Whether the store is to be written.</param>
    public static StoreConfig Decode(ReadOnlySpan<byte> bytes, string path, bool forWriting)
    {
        if (!RecordFrame.TryRead(bytes, default, out RecordHeader header, out ReadOnlySpan<byte> body) || header.TotalLength != bytes.Length)
            throw StoreErrors.Damaged(path, 0, "the checksum of the config doesn't fit");
        if (header.Kind != RecordKind.Config || header.Version != Version || body.Length != BodySize)
            throw TooNew(path, $"its config has kind {(byte)header.Kind}, version {header.Version}");
        var reader = new ByteReader(body);
        ulong low = reader.U64();
        var id = new UInt128(reader.U64(), low);
        ulong seed = reader.U64();
        uint pageSize = reader.U32();
        reader.U64();
        ulong readOnly = reader.U64() & ~KnownReadOnly;
        ulong incompatible = reader.U64() & ~KnownIncompatible;
        if (pageSize != PageRange.PageSize)
            throw TooNew(path, $"its pages have {pageSize} bytes, only {PageRange.PageSize} are supported");
        if (incompatible != 0)
            throw TooNew(path, $"it uses unknown features (incompatible bits {incompatible:x})");
        if (forWriting && readOnly != 0)
            throw TooNew(path, $"it uses features with which it can be read only (bits {readOnly:x})");
        return new StoreConfig(id, seed);
    }

    private static SnapException TooNew(string path, string why) =>
        new(ErrorCatalogue.StoreTooNew, "the store was written by a newer version of snap", path, why, "use the newer version");
}
