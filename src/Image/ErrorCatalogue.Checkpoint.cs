namespace Snap.Image;

/// <content>S03: taking a checkpoint of a live process.</content>
public static partial class ErrorCatalogue
{
    /// <summary>A thread didn't stop within the freeze deadline.</summary>
    public static readonly ErrorKind FreezeTimedOut = new("S0301", ExitCode.TargetLost, "a thread of the target would not stop in time");

    /// <summary>The target ended before or while it was captured.</summary>
    public static readonly ErrorKind TargetEnded = new("S0302", ExitCode.TargetLost, "the target ended while it was being captured");

    /// <summary>The tracer process ended.</summary>
    public static readonly ErrorKind TracerLost = new("S0303", ExitCode.Internal, "the tracer process ended unexpectedly");

    /// <summary>The kernel failed a call that a checkpoint can't do without.</summary>
    public static readonly ErrorKind CheckpointFailed = new("S0304", ExitCode.Internal, "the kernel refused what a checkpoint needs");

    /// <summary>An interval before this one was not stored, so this one can't be either.</summary>
    public static readonly ErrorKind EarlierIntervalFailed = new("S0305", ExitCode.Storage, "the checkpoint builds on one that could not be stored");

    /// <summary>The target changed faster than it could be copied without a long pause.</summary>
    public static readonly ErrorKind TooMuchToCopy = new("S0306", ExitCode.TargetLost, "the target writes faster than it can be copied");

    /// <summary>Another tracer holds the target.</summary>
    public static readonly ErrorKind TargetTraced = new("S0307", ExitCode.Busy, "another program traces the target");
}
