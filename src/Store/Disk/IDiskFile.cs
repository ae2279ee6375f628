namespace Snap.Store.Disk;

/// <summary>An open file of the store. Reads and writes are positioned and may come from several threads.</summary>
internal interface IDiskFile : IDisposable
{
    /// <summary>Bytes in the file now.</summary>
    long Length { get; }

    /// <summary>Reads until <paramref name="into"/> is full or the file ends.</summary>
    /// <returns>Bytes read; fewer than asked only at the end of the file.</returns>
    int Read(Span<byte> into, long offset);

    /// <summary>Says that these bytes will be read soon: a hint, without effect where it can't be followed.</summary>
    void Expect(long offset, long length);

    /// <summary>Writes all bytes, or throws; after a throw any part of them may have been written.</summary>
    void Write(ReadOnlySpan<byte> bytes, long offset);

    /// <summary>Cuts the file, or fills it with zeros, to <paramref name="length"/>.</summary>
    void Truncate(long length);

    /// <summary>Allocates room for <paramref name="length"/> bytes, so that later writes into them can't run out of space.</summary>
    void Reserve(long length);

    /// <summary>Makes written bytes and the length durable: fdatasync.</summary>
    void SyncData();

    /// <summary>Locks bytes for this open file, without waiting; they are released when it is closed, or its process dies.</summary>
    /// <returns>False if another open file holds a conflicting lock.</returns>
    bool TryLock(long offset, long length, bool exclusive);

    /// <summary>Releases bytes.</summary>
    void Unlock(long offset, long length);

    /// <summary>True if another open file holds any lock in the range.</summary>
    bool IsLockedByOthers(long offset, long length);
}
