using Snap.Kernel.Files;

namespace Snap.Restorer;

/// <summary>How to restore.</summary>
public sealed record RestoreOptions
{
    /// <summary>What to do when open files have changed since. Mapped files and executables must never have.</summary>
    public FilesPolicy Files { get; init; } = FilesPolicy.Fail;

    /// <summary>What the process's 0, 1, 2 are bound to where they led outside; our own 0, 1, 2 where this doesn't say. Not disposed.</summary>
    public IReadOnlyDictionary<int, FileDescriptor> Stdio { get; init; } = new Dictionary<int, FileDescriptor>();

    /// <summary>Restore although the machine was restarted since: CLOCK_MONOTONIC jumps, usually backwards.</summary>
    public bool AcceptOtherBoot { get; init; }

    /// <summary>Threads that fill memory, the calling one included; 0 chooses.</summary>
    public int FillThreads { get; init; }
}
