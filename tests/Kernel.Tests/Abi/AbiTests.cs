using System.Globalization;
using Snap.Kernel.Abi;

namespace Snap.Kernel.Tests.Abi;

/// <summary>Has gcc confirm, from the C headers, every size, offset and constant of the ABI namespace.</summary>
public class AbiTests
{
    private static readonly AbiProgram Program = AbiProgram.Of(typeof(AbiStructAttribute).Assembly);

    [SkippableFact]
    public void Every_struct_field_and_constant_is_what_the_c_headers_say()
    {
        Skip.IfNot(HasCompiler(), "gcc isn't installed");
        Dictionary<string, ulong> theirs = Program.Run();
        IEnumerable<string> wrong = Program.Ours
            .Where(ours => !theirs.TryGetValue(ours.Key, out ulong value) || value != ours.Value)
            .Select(ours => string.Create(
                CultureInfo.InvariantCulture,
                $"{ours.Key}: ours {ours.Value:x}, C {(theirs.TryGetValue(ours.Key, out ulong value) ? value.ToString("x", CultureInfo.InvariantCulture) : "not printed")}"));
        Assert.Empty(wrong);
        Assert.Equal(Program.Ours.Count, theirs.Count);
    }

    [Fact]
    public void Nothing_in_the_namespace_is_left_unchecked()
    {
        Assert.Empty(Program.Unchecked);
        Assert.True(Program.Ours.Count > 400, "the reflection that finds the namespace's members found hardly any");
    }

    [Fact]
    public void The_table_of_newer_names_lists_only_what_we_use()
    {
        HashSet<string> members = [.. Program.Ours.Keys.Select(name => name[(name.LastIndexOf('.') + 1)..])];
        Assert.All(NewerThanHeaders.Constants, entry => Assert.Contains(entry.Name.Replace("__NR_", "", StringComparison.Ordinal), members));
        Assert.All(NewerThanHeaders.Structs, entry => Assert.Contains(entry.Guard, members));
    }

    private static bool HasCompiler() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(directory => File.Exists(Path.Combine(directory, "gcc")));
}
