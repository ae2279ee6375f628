namespace Snap.Image;

/// <content>S07: the engine and its sessions.</content>
public static partial class ErrorCatalogue
{
    /// <summary>The tracer process could not be started.</summary>
    public static readonly ErrorKind TracerNotStarted = new("S0701", ExitCode.Internal, "the tracer process could not be started");

    /// <summary>Tracer and engine are different versions of Snap.</summary>
    public static readonly ErrorKind TracerVersion = new("S0702", ExitCode.Internal, "tracer and engine speak different versions of their protocol");

    /// <summary>The engine ended or closed its connection; only a tracer sees this.</summary>
    public static readonly ErrorKind EngineLost = new("S0703", ExitCode.Internal, "the engine ended while its tracer was at work");

    /// <summary>A name is in use for another process that still lives.</summary>
    public static readonly ErrorKind NameInUse = new("S0704", ExitCode.Busy, "the name belongs to another process that is still running");

    /// <summary>The command that was to be run could not be started.</summary>
    public static readonly ErrorKind CommandNotStarted = new("S0705", ExitCode.NotFound, "the command could not be started");

    /// <summary>The session was ended while a checkpoint was under way.</summary>
    public static readonly ErrorKind SessionEnded = new("S0707", ExitCode.Busy, "the session ended before the checkpoint was stored");

    /// <summary>More checkpoints were asked for than may be under way.</summary>
    public static readonly ErrorKind TooManyIntervals = new("S0706", ExitCode.Busy, "the encoder has not finished the checkpoints before this one");
}
