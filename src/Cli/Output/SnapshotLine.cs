namespace Snap.Cli.Output;

/// <summary>A snapshot in one line: <c>train #41  increment, 812 pages dirty, 1.3 MiB stored, paused 0.9 ms</c>.</summary>
internal static class SnapshotLine
{
    /// <summary>Writes it.</summary>
    public static string Of(SnapshotJson snapshot) =>
        $"{snapshot.Name} #{snapshot.Seq}  {(snapshot.Full ? "full" : "increment")}, {snapshot.PagesDirty} pages dirty, {Sizes.Bytes(snapshot.BytesStored)} stored, paused {Sizes.Microseconds(snapshot.PauseMicroseconds)}";
}
