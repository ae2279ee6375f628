using Snap.Image;
using Snap.Store.Catalog;
using Snap.Store.Disk;
using Snap.Store.Format;
using Snap.Store.Segments;

namespace Snap.Store;

/// <summary>Finds, checks and creates the directory of a store.</summary>
internal static class StoreDirectory
{
    public const string ReservePath = "reserve";

    /// <summary>The disk of an existing store.</summary>
    public static PosixDisk OpenExisting(string directory)
    {
        string root = Path.GetFullPath(directory);
        if (!Directory.Exists(root))
            throw new SnapException(ErrorCatalogue.StoreNotFound, $"there is no store at {root}", root, "the directory doesn't exist",
                "snap take and snap run create it; name another with --store");
        CheckOwner(root);
        return new PosixDisk(root);
    }

    /// <summary>The disk of a store to write; the directory is made if it is missing.</summary>
    public static PosixDisk OpenForWriting(string directory)
    {
        string root = Path.GetFullPath(directory);
        if (!Directory.Exists(root))
        {
            MakeParents(Path.GetDirectoryName(root));
            new PosixDisk(root).CreateDirectory("");
            new PosixDisk(Path.GetDirectoryName(root) ?? "/").SyncDirectory("");
        }
        CheckOwner(root);
        return new PosixDisk(root);
    }

    public static StoreConfig ReadConfig(IDisk disk, bool forWriting)
    {
        using IDiskFile? file = disk.OpenOrNull(StoreConfig.Path, forWriting: false);
        if (file is null)
        {
            string root = disk.Describe("");
            if (disk.List("").All(IsOurs))
                throw new SnapException(ErrorCatalogue.StoreNotFound, $"there is no store at {root}", root, "the directory is empty",
                    "snap take and snap run create it; name another with --store");
            throw NotAStore(disk);
        }
        byte[] bytes = new byte[Math.Min(file.Length, 4096)];
        int length = file.Read(bytes, 0);
        return StoreConfig.Decode(bytes.AsSpan(0, length), disk.Describe(StoreConfig.Path), forWriting);
    }

    /// <summary>Makes the files of a new store, if there is none; what an interrupted creation left is used.</summary>
    /// <remarks>The config comes last, by a rename: the store exists once it does.</remarks>
    public static void CreateIfMissing(IDisk disk, long reserveBytes, string? holderName = null)
    {
        using (IDiskFile? config = disk.OpenOrNull(StoreConfig.Path, forWriting: false))
        {
            if (config is not null)
                return;
        }
        if (!disk.List("").All(IsOurs))
            throw NotAStore(disk);
        foreach (string path in new[] { WriterLock.Path, StoreVersion.LeasePath })
            disk.OpenOrCreate(path).Dispose();
        using WriterLock creating = WriterLock.Take(disk, holderName);
        using (IDiskFile? config = disk.OpenOrNull(StoreConfig.Path, forWriting: false))
        {
            if (config is not null)
                return;
        }
        foreach (uint old in CatalogLog.Generations(disk))
            disk.Unlink(CatalogLog.PathOf(old));
        var fresh = StoreConfig.New();
        disk.CreateDirectory(SegmentName.Directory);
        CatalogLog.Create(disk, fresh.StoreId);
        EnsureReserve(disk, reserveBytes);
        WriteConfig(disk, fresh);
    }

    /// <summary>Writes the config, durably.</summary>
    public static void WriteConfig(IDisk disk, StoreConfig config)
    {
        const string Temporary = StoreConfig.Path + ".tmp";
        disk.Unlink(Temporary);
        using (IDiskFile file = disk.CreateNew(Temporary))
        {
            file.Write(config.Encode(), 0);
            file.SyncData();
        }
        disk.Rename(Temporary, StoreConfig.Path);
        disk.SyncDirectory("");
    }

    /// <summary>Room that only gc uses, when the disk is full: its first steps need a little before they free a lot.</summary>
    public static void EnsureReserve(IDisk disk, long reserveBytes)
    {
        try
        {
            using IDiskFile reserve = disk.OpenOrCreate(ReservePath);
            if (reserve.Length < reserveBytes)
                reserve.Reserve(reserveBytes);
        }
        catch (SnapException)
        {
            // A disk this full has no room to set aside; the next collection tries again.
        }
    }

    /// <remarks>The config itself, too: another process may have made it since it was looked for.</remarks>
    private static bool IsOurs(string name) =>
        name is WriterLock.Path or StoreVersion.LeasePath or StoreConfig.Path or SegmentName.Directory or StoreConfig.Path + ".tmp" or ReservePath or "engine.sock" or "engine.log"
        || name.StartsWith("catalog.", StringComparison.Ordinal);

    private static SnapException NotAStore(IDisk disk) =>
        new(ErrorCatalogue.NotAStore, $"{disk.Describe("")} is not a store", disk.Describe(""), "it has no config file, but other files",
            "choose an empty or new directory with --store");

    private static void MakeParents(string? directory)
    {
        if (directory is null || Directory.Exists(directory))
            return;
        MakeParents(Path.GetDirectoryName(directory));
        new PosixDisk(directory).CreateDirectory("");
    }

    private static void CheckOwner(string root)
    {
        long owner = PosixCalls.Owner(root);
        uint user = PosixCalls.EffectiveUser();
        if (user == 0 && owner > 0)
            throw new SnapException(ErrorCatalogue.StoreForeign, "root doesn't use a store of another user", root,
                $"it belongs to uid {owner}; a snapshot is code, and a crafted one would run as root",
                "use the store as its owner, or, if you trust it, chown it to root");
    }
}
