namespace Snap.Image;

/// <content>S04: what can't be captured.</content>
public static partial class ErrorCatalogue
{
    /// <summary>Not a 64-bit program of x86-64.</summary>
    public static readonly ErrorKind NotX64 = new("S0401", ExitCode.Unsupported, "the target isn't a 64-bit x86-64 process");

    /// <summary>Threads under seccomp.</summary>
    public static readonly ErrorKind UnderSeccomp = new("S0402", ExitCode.Unsupported, "seccomp restricts the target's system calls");

    /// <summary>Another view of the machine than ours: namespaces, root directory.</summary>
    public static readonly ErrorKind OtherNamespace = new("S0403", ExitCode.Unsupported, "the target lives in other namespaces, or under another root directory");

    /// <summary>Its tree of processes can't be made again.</summary>
    public static readonly ErrorKind TreeUnsupported = new("S0404", ExitCode.Unsupported, "the target's tree of processes can't be captured");

    /// <summary>Memory, descriptors or directories are shared in a way other than a usual process and its usual threads have them.</summary>
    public static readonly ErrorKind SharesResources = new("S0405", ExitCode.Unsupported, "the target shares memory or descriptors with another process, or its threads don't share them");

    /// <summary>State of a thread that can't be brought back.</summary>
    public static readonly ErrorKind ThreadUnsupported = new("S0406", ExitCode.Unsupported, "a thread has state that can't be captured");

    /// <summary>A mapping that can't be brought back.</summary>
    public static readonly ErrorKind MemoryUnsupported = new("S0407", ExitCode.Unsupported, "the target has memory that can't be captured");

    /// <summary>A file that a restore could not find again.</summary>
    public static readonly ErrorKind FileUnreachable = new("S0408", ExitCode.Unsupported, "a file of the target can't be found again by its path");

    /// <summary>A kind of descriptor that can't be brought back.</summary>
    public static readonly ErrorKind DescriptorUnsupported = new("S0409", ExitCode.Unsupported, "the target has a descriptor of a kind that can't be captured");

    /// <summary>A pipe, socket or terminal whose other end is elsewhere, not on 0, 1 or 2.</summary>
    public static readonly ErrorKind DescriptorOutside = new("S0410", ExitCode.Unsupported, "a pipe, socket or terminal of the target leads outside");

    /// <summary>A lease, or a lock that belongs to nothing we record.</summary>
    public static readonly ErrorKind LockUnsupported = new("S0411", ExitCode.Unsupported, "the target holds a lock or lease that can't be captured");

    /// <summary>Calls can't be made inside the target.</summary>
    public static readonly ErrorKind InjectionImpossible = new("S0412", ExitCode.Unsupported, "no system call can be made inside the target");

    /// <summary>The kernel lacks what capturing needs.</summary>
    public static readonly ErrorKind KernelLacks = new("S0413", ExitCode.Unsupported, "this kernel doesn't show a part of the target's state");
}
