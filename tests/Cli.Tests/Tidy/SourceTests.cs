namespace Snap.Cli.Tests.Tidy;

/// <summary>Keeps the house: what a review would have to look for every time.</summary>
public sealed class SourceTests
{
    [Fact]
    public void No_file_is_longer_than_600_lines() =>
        Assert.Empty(SourceFiles.Below(".cs", "src", "tests", "bench", "fuzz").Where(file => file.Lines.Length > 600).Select(file => $"{file.Path}: {file.Lines.Length}"));

    [Fact]
    public void System_diagnostics_process_is_used_nowhere_in_the_product() =>
        Assert.Empty(SourceFiles.Matching(@"System\.Diagnostics\.Process|(?<![A-Za-z])Process\.(Start|GetProcess|GetCurrent)|new Process\b|ProcessStartInfo", [], "src"));

    [Fact]
    public void The_console_class_is_used_nowhere_in_the_product() =>
        Assert.Empty(SourceFiles.Matching(@"(?<![A-Za-z.])Console\.", [], "src"));

    [Fact]
    public void Tests_wait_for_something_and_never_just_sleep() =>
        Assert.Empty(SourceFiles.Matching(@"Thread\.Sleep|Task\.Delay", ["tests/Shared/Patience.cs", "tests/Programs/DotnetTarget/Program.cs"], "tests"));

    [Fact]
    public void Unsafe_code_is_in_the_kernel_layer_and_two_files_of_the_store() =>
        Assert.Empty(SourceFiles.Matching(@"\bunsafe\b|\[LibraryImport|\[DllImport", ["src/Store/Blocks/Zstd.cs", "src/Store/Disk/PosixCalls.cs"],
            "src/Image", "src/Store", "src/Dumper", "src/Restorer", "src/Engine", "src/Cli"));

    [Fact]
    public void Only_kernel_and_store_may_compile_unsafe_code() =>
        Assert.Equal(["src/Kernel/Snap.Kernel.csproj", "src/Store/Snap.Store.csproj"],
            SourceFiles.Below(".csproj", "src").Where(file => file.Lines.Any(line => line.Contains("AllowUnsafeBlocks", StringComparison.Ordinal)))
                .Select(file => file.Path).Order(StringComparer.Ordinal));

    [Fact]
    public void Nothing_is_left_to_be_done_later() =>
        Assert.Empty(
            from file in SourceFiles.Below(".cs", "src", "tests", "bench", "fuzz")
            where !file.Path.EndsWith("SourceTests.cs", StringComparison.Ordinal)
            from line in file.Lines
            where System.Text.RegularExpressions.Regex.IsMatch(line, @"\b(TODO|FIXME|HACK|XXX)\b|NotImplementedException")
            select $"{file.Path}: {line.Trim()}");

    [Fact]
    public void Dependencies_of_the_parts_point_one_way()
    {
        var allowed = new Dictionary<string, string[]>
        {
            ["Kernel"] = [],
            ["Image"] = [],
            ["Store"] = ["Image"],
            ["Dumper"] = ["Kernel", "Image"],
            ["Restorer"] = ["Kernel", "Image", "Store"],
            ["Engine"] = ["Kernel", "Image", "Store", "Dumper", "Restorer"],
            ["Cli"] = ["Kernel", "Image", "Store", "Dumper", "Restorer", "Engine"],
        };
        var wrong = from file in SourceFiles.Below(".csproj", "src")
                    let part = file.Path.Split('/')[1]
                    from line in file.Lines
                    let match = System.Text.RegularExpressions.Regex.Match(line, @"ProjectReference Include=""\.\./([A-Za-z]+)/")
                    where match.Success && !allowed[part].Contains(match.Groups[1].Value)
                    select $"{part} -> {match.Groups[1].Value}";
        Assert.Empty(wrong);
    }

    [Fact]
    public void No_path_of_a_developers_machine_is_in_the_repository() =>
        Assert.Empty(
            from ending in new[] { ".cs", ".md", ".csproj", ".props", ".sh", ".c", ".h" }
            from file in SourceFiles.Below(ending, "src", "tests", "bench", "fuzz", "docs").Concat(Root())
            where file.Path.EndsWith(ending, StringComparison.Ordinal) && !file.Path.EndsWith("SourceTests.cs", StringComparison.Ordinal)
            from line in file.Lines
            where System.Text.RegularExpressions.Regex.IsMatch(line, "/home/[a-z]+/|/work/[a-z]+/|/Users/[a-z]+/")
            select $"{file.Path}: {line.Trim()}");

    private static IEnumerable<(string Path, string[] Lines)> Root() =>
        Directory.EnumerateFiles(Snap.Testing.RepositoryRoot.Path, "*.md").Select(path => (Path.GetFileName(path), File.ReadAllLines(path)));
}
