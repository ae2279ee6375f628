namespace Snap.Image;

/// <summary>Every error that Snap can report, by part; docs/errors.md lists the same ids, which a test compares.</summary>
/// <remarks>One facet file a part (<c>ErrorCatalogue.Store.cs</c>), each holding its <see cref="ErrorKind"/> fields.</remarks>
public static partial class ErrorCatalogue
{
    /// <summary>A bug in Snap, or a failure of the machine that no other entry names.</summary>
    public static readonly ErrorKind Internal = new("S0001", ExitCode.Internal, "an unexpected failure inside Snap");
}
