namespace Snap.Store.Disk;

/// <summary>All that the store asks of a disk. Paths are relative to the store's directory.</summary>
/// <remarks>
/// Two implementations: <see cref="PosixDisk"/>, and the tests' crash disk, which yields every image that a power cut could leave.
/// What is promised: bytes of a file are durable after <see cref="IDiskFile.SyncData"/> of it; names (create, rename, unlink) are durable
/// after <see cref="SyncDirectory"/> of their directory. Every failure is a <see cref="Image.SnapException"/>, made by <see cref="DiskFailure"/>.
/// </remarks>
internal interface IDisk
{
    /// <summary>How messages name a path: the absolute one.</summary>
    string Describe(string path);

    /// <summary>The path of a directory that others may use for a cache; null if this disk isn't a file system's.</summary>
    string? CacheDirectory(string path);

    /// <summary>Opens an existing file; null if there is none.</summary>
    IDiskFile? OpenOrNull(string path, bool forWriting);

    /// <summary>Creates a file that must not exist yet, mode 0600, open for reading and writing.</summary>
    IDiskFile CreateNew(string path);

    /// <summary>Opens a file for reading and writing; an empty one is made if there is none.</summary>
    IDiskFile OpenOrCreate(string path);

    /// <summary>File names in a directory of the store, unordered; empty if the directory doesn't exist.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Creates a directory, mode 0700; fine if it exists.</summary>
    void CreateDirectory(string path);

    /// <summary>Renames a file within the store, replacing what is there.</summary>
    void Rename(string from, string to);

    /// <summary>Removes a name; fine if it doesn't exist.</summary>
    void Unlink(string path);

    /// <summary>Makes the names in a directory durable.</summary>
    void SyncDirectory(string path);
}
