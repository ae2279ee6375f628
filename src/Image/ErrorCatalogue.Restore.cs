namespace Snap.Image;

/// <content>S06: restoring. But for S0601, nothing was started or changed.</content>
public static partial class ErrorCatalogue
{
    /// <summary>The kernel refused a step while the process was being rebuilt; what was built is gone again.</summary>
    public static readonly ErrorKind RestoreFailed = new("S0601", ExitCode.CannotRestore, "a process could not be rebuilt");

    /// <summary>A pid or tid of the snapshot is in use.</summary>
    public static readonly ErrorKind PidTaken = new("S0602", ExitCode.CannotRestore, "a process or thread id of the snapshot is in use");

    /// <summary>A mapped file or the executable isn't what it was.</summary>
    public static readonly ErrorKind MappedFileChanged = new("S0603", ExitCode.CannotRestore, "a file that memory was mapped from has changed");

    /// <summary>A file is missing, shorter than recorded, or can't be opened as it was.</summary>
    public static readonly ErrorKind FileMissing = new("S0604", ExitCode.CannotRestore, "a file of the snapshot is missing, too short, or can't be opened");

    /// <summary>A file that was open has changed since, and <c>--files keep</c> wasn't given.</summary>
    public static readonly ErrorKind FileDiffers = new("S0605", ExitCode.CannotRestore, "an open file of the snapshot has changed since");

    /// <summary>This processor lacks a feature that the process may use.</summary>
    public static readonly ErrorKind ProcessorDiffers = new("S0606", ExitCode.CannotRestore, "this processor lacks features the process may use");

    /// <summary>The machine was restarted since, so the process's clocks would jump.</summary>
    public static readonly ErrorKind OtherBoot = new("S0607", ExitCode.CannotRestore, "the snapshot was taken before the last restart, or on another machine");

    /// <summary>Another kernel, whose vdso differs from the one mapped in the process, or one that lacks what is needed.</summary>
    public static readonly ErrorKind KernelDiffers = new("S0608", ExitCode.CannotRestore, "the kernel doesn't fit the snapshot");

    /// <summary>A right is missing that restoring needs.</summary>
    public static readonly ErrorKind RightMissing = new("S0609", ExitCode.NotPermitted, "a right is missing that restoring needs");

    /// <summary>A standard descriptor has nothing to be bound to.</summary>
    public static readonly ErrorKind StandardDescriptorMissing = new("S0610", ExitCode.CannotRestore, "nothing is open to bind a standard descriptor to");

    /// <summary>Another process holds a lock that the restored one had.</summary>
    public static readonly ErrorKind LockHeld = new("S0611", ExitCode.CannotRestore, "a file lock of the snapshot is held by another process");

    /// <summary>The snapshot holds something that this version can't bring back.</summary>
    public static readonly ErrorKind NotRestorable = new("S0612", ExitCode.CannotRestore, "the snapshot holds something that can't be restored");
}
