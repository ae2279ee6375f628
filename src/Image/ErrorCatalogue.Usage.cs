namespace Snap.Image;

/// <content>S01: the command line; S029: finding a target by what the user typed.</content>
public static partial class ErrorCatalogue
{
    /// <summary>Unknown option, missing argument, value of the wrong form.</summary>
    public static readonly ErrorKind UsageWrong = new("S0101", ExitCode.Usage, "the command line can't be understood");

    /// <summary>Neither --store nor SNAP_STORE nor a home directory.</summary>
    public static readonly ErrorKind NoStoreNamed = new("S0102", ExitCode.Usage, "no store was named, and there is no home directory for the default one");

    /// <summary>No process has this name.</summary>
    public static readonly ErrorKind TargetUnknown = new("S0290", ExitCode.NotFound, "no running process has this name");

    /// <summary>Several processes have this name.</summary>
    public static readonly ErrorKind TargetAmbiguous = new("S0291", ExitCode.NotFound, "several running processes have this name");
}
