namespace Snap.Testing;

/// <summary>Where the repository lies, found upwards from the test's own binaries.</summary>
public static class RepositoryRoot
{
    private static readonly Lazy<string> Found = new(Find);

    /// <summary>The directory that holds Snap.slnx.</summary>
    public static string Path => Found.Value;

    /// <summary>The C programs and scripts that tests snapshot.</summary>
    public static string Programs => System.IO.Path.Combine(Path, "tests", "Programs");

    /// <summary>For what tests build and may keep; ignored by git.</summary>
    public static string Artifacts => Directory.CreateDirectory(System.IO.Path.Combine(Path, "artifacts")).FullName;

    private static string Find()
    {
        for (DirectoryInfo? here = new(AppContext.BaseDirectory); here is not null; here = here.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(here.FullName, "Snap.slnx")))
                return here.FullName;
        }

        throw new InvalidOperationException($"no Snap.slnx above {AppContext.BaseDirectory}");
    }
}
