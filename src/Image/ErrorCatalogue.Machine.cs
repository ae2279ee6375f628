namespace Snap.Image;

/// <content>S08: the machine.</content>
public static partial class ErrorCatalogue
{
    /// <summary>No /proc.</summary>
    public static readonly ErrorKind ProcfsMissing = new("S0801", ExitCode.NotPermitted, "/proc is missing");

    /// <summary>The check found that nothing can be captured.</summary>
    public static readonly ErrorKind CannotCaptureHere = new("S0802", ExitCode.NotPermitted, "this machine doesn't allow snapshots");

    /// <summary>The demo's proof failed.</summary>
    public static readonly ErrorKind DemoFailed = new("S0803", ExitCode.Internal, "the demo's program did not do what the demo shows");
}
