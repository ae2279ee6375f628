using Snap.Testing;

namespace Snap.Cli.Tests.Tidy;

/// <summary>The repository's own files, for tests of their text.</summary>
internal static class SourceFiles
{
    private static readonly string[] _generated = ["bin", "obj", "out", "artifacts", ".git"];

    /// <summary>Files below the given folders whose names end so, by path relative to the root.</summary>
    public static IEnumerable<(string Path, string[] Lines)> Below(string ending, params string[] folders) =>
        from folder in folders
        let start = Path.Combine(RepositoryRoot.Path, folder)
        where Directory.Exists(start)
        from file in Walk(new DirectoryInfo(start))
        where file.Name.EndsWith(ending, StringComparison.Ordinal)
        select (Path.GetRelativePath(RepositoryRoot.Path, file.FullName), File.ReadAllLines(file.FullName));

    /// <summary>Lines that match, as <c>path:line: text</c>; comments are left out.</summary>
    public static string[] Matching(string pattern, string[] allowedFiles, params string[] folders) =>
        [.. from file in Below(".cs", folders)
            where !allowedFiles.Contains(file.Path)
            from line in file.Lines.Select((text, index) => (Text: text, Number: index + 1))
            where System.Text.RegularExpressions.Regex.IsMatch(WithoutComment(line.Text), pattern)
            select $"{file.Path}:{line.Number}: {line.Text.Trim()}"];

    private static string WithoutComment(string line)
    {
        int comment = line.IndexOf("//", StringComparison.Ordinal);
        return comment < 0 ? line : line[..comment];
    }

    private static IEnumerable<FileInfo> Walk(DirectoryInfo folder) =>
        folder.EnumerateFiles().Concat(folder.EnumerateDirectories().Where(inner => !_generated.Contains(inner.Name)).SelectMany(Walk));
}
