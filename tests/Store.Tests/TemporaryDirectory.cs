namespace Snap.Store.Tests;

/// <summary>A directory that is gone after the test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("snap-store-test-").FullName;

    public string Store => System.IO.Path.Combine(Path, "deep", "store");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
