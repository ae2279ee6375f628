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

    /// <summary>The engine ended while it worked for a command.</summary>
    public static readonly ErrorKind EngineDied = new("S0708", ExitCode.Internal, "the engine ended while it worked for this command");

    /// <summary>A running engine is of another version of Snap, and has work.</summary>
    public static readonly ErrorKind EngineVersion = new("S0709", ExitCode.Busy, "the store's engine is another version of Snap");

    /// <summary>The engine belongs to another user, or refuses this one.</summary>
    public static readonly ErrorKind EngineForeign = new("S0710", ExitCode.NotPermitted, "the store's engine can't be used by this user");

    /// <summary>The engine could not be started.</summary>
    public static readonly ErrorKind EngineNotStarted = new("S0711", ExitCode.Internal, "the store's engine could not be started");

    /// <summary>The engine has work, and was asked to end only if it had none.</summary>
    public static readonly ErrorKind EngineBusy = new("S0712", ExitCode.Busy, "the store's engine has work");

    /// <summary>No watch of this target.</summary>
    public static readonly ErrorKind NotWatched = new("S0713", ExitCode.NotFound, "the target isn't being watched");

    /// <summary>It can't be known how the target ended, so it can't be brought back when it failed.</summary>
    public static readonly ErrorKind RescueUnsupported = new("S0715", ExitCode.Unsupported, "how the target ends can't be known here");

    /// <summary>The target failed again and again.</summary>
    public static readonly ErrorKind RescueGivenUp = new("S0716", ExitCode.TargetLost, "the target fails again and again, and is no longer brought back");

    /// <summary>A command that the user gave for such a moment failed.</summary>
    public static readonly ErrorKind HookFailed = new("S0717", ExitCode.Internal, "a command that was to be run failed");

    /// <summary>A request to the engine can't be understood.</summary>
    public static readonly ErrorKind RequestWrong = new("S0714", ExitCode.Usage, "the engine doesn't understand the request");
}
