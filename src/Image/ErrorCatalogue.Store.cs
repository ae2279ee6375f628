namespace Snap.Image;

/// <content>S05: the store.</content>
public static partial class ErrorCatalogue
{
    /// <summary>Another process holds the store for writing.</summary>
    public static readonly ErrorKind StoreBusy = new("S0501", ExitCode.Busy, "another process is writing to the store");
}
