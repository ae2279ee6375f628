namespace Snap.Testing;

/// <summary>A new directory, taken away with all that is in it when disposed.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    /// <summary>Makes one under $SNAP_TEST_TMP, else under the system's directory for temporary files.</summary>
    public TemporaryDirectory()
    {
        string parent = Environment.GetEnvironmentVariable("SNAP_TEST_TMP") is { Length: > 0 } named ? named : System.IO.Path.GetTempPath();
        Path = Directory.CreateDirectory(System.IO.Path.Combine(parent, $"snap-test-{Guid.NewGuid():n}")).FullName;
    }

    /// <summary>The directory.</summary>
    public string Path { get; }

    /// <summary>A path in it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }
}
