namespace Snap.Image;

/// <content>S05: the store.</content>
public static partial class ErrorCatalogue
{
    /// <summary>Another process holds the store for writing.</summary>
    public static readonly ErrorKind StoreBusy = new("S0501", ExitCode.Busy, "another process is writing to the store");

    /// <summary>There is no store at the path.</summary>
    public static readonly ErrorKind StoreNotFound = new("S0502", ExitCode.NotFound, "there is no store here");

    /// <summary>Stored bytes are not what was written.</summary>
    public static readonly ErrorKind StoreDamaged = new("S0503", ExitCode.StoreDamaged, "the store holds damaged bytes");

    /// <summary>The store uses features that this version doesn't know.</summary>
    public static readonly ErrorKind StoreTooNew = new("S0504", ExitCode.StoreDamaged, "the store was written by a newer version");

    /// <summary>The directory holds other things than a store.</summary>
    public static readonly ErrorKind NotAStore = new("S0505", ExitCode.StoreDamaged, "the directory is not a store");

    /// <summary>Root was asked to trust a store that another user owns.</summary>
    public static readonly ErrorKind StoreForeign = new("S0506", ExitCode.NotPermitted, "the store belongs to another user");

    /// <summary>The file system is full, or a quota is used up.</summary>
    public static readonly ErrorKind StoreFull = new("S0507", ExitCode.Storage, "no room is left for the store");

    /// <summary>The disk failed a read, a write or a sync.</summary>
    public static readonly ErrorKind StoreDisk = new("S0508", ExitCode.Storage, "the disk under the store failed");

    /// <summary>The caller may not use the store's files.</summary>
    public static readonly ErrorKind StoreDenied = new("S0509", ExitCode.NotPermitted, "the store's files can't be used by this user");

    /// <summary>No snapshot answers to the reference.</summary>
    public static readonly ErrorKind SnapshotNotFound = new("S0510", ExitCode.NotFound, "no such snapshot");

    /// <summary>The reference fits several snapshots.</summary>
    public static readonly ErrorKind ReferenceAmbiguous = new("S0511", ExitCode.NotFound, "the reference fits several snapshots");

    /// <summary>The moment asked for lies before the first snapshot.</summary>
    public static readonly ErrorKind BeforeFirstSnapshot = new("S0512", ExitCode.NotFound, "the moment lies before the first snapshot");

    /// <summary>The reference doesn't follow the grammar.</summary>
    public static readonly ErrorKind ReferenceInvalid = new("S0513", ExitCode.Usage, "the reference can't be understood");

    /// <summary>The name doesn't follow the grammar, or is taken.</summary>
    public static readonly ErrorKind NameInvalid = new("S0514", ExitCode.Usage, "the name can't be used");

    /// <summary>A step that would delete every snapshot was not confirmed.</summary>
    public static readonly ErrorKind WouldDeleteAll = new("S0515", ExitCode.Usage, "every snapshot would be deleted");

    /// <summary>A snapshot can't be dropped because a tag pins it.</summary>
    public static readonly ErrorKind SnapshotPinned = new("S0516", ExitCode.Usage, "the snapshot is pinned by a tag");

    /// <summary>A retention rule doesn't follow the grammar.</summary>
    public static readonly ErrorKind PolicyInvalid = new("S0517", ExitCode.Usage, "the retention rule can't be understood");
}
