namespace Snap.Image;

/// <content>S02: the target itself.</content>
public static partial class ErrorCatalogue
{
    /// <summary>No process has the pid.</summary>
    public static readonly ErrorKind TargetNotFound = new("S0201", ExitCode.NotFound, "there is no such process");

    /// <summary>The caller may not trace the target.</summary>
    public static readonly ErrorKind TargetNotPermitted = new("S0202", ExitCode.NotPermitted, "the target may not be traced by this user");

    /// <summary>A thread of the kernel.</summary>
    public static readonly ErrorKind TargetIsKernelThread = new("S0203", ExitCode.Unsupported, "the target is a thread of the kernel");

    /// <summary>Process 1.</summary>
    public static readonly ErrorKind TargetIsInit = new("S0204", ExitCode.Unsupported, "the target is process 1, on which all others depend");

    /// <summary>Snap itself.</summary>
    public static readonly ErrorKind TargetIsOurselves = new("S0205", ExitCode.Unsupported, "the target is Snap itself");

    /// <summary>The number names a thread that isn't a process of its own.</summary>
    public static readonly ErrorKind TargetIsThread = new("S0206", ExitCode.Usage, "the number names a thread, not a process");

    /// <summary>It has ended and waits to be reaped.</summary>
    public static readonly ErrorKind TargetIsZombie = new("S0207", ExitCode.NotFound, "the target, or its main thread, has ended already");

    /// <summary>Stopped by job control.</summary>
    public static readonly ErrorKind TargetIsStopped = new("S0208", ExitCode.Unsupported, "the target is stopped by a signal");

    /// <summary>An earlier tracer was killed, and the target has not yet left its code.</summary>
    public static readonly ErrorKind TargetIsRecovering = new("S0209", ExitCode.Busy, "the target is still recovering from a tracer that was killed");
}
