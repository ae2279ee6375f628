using System.Reflection;
using System.Text.RegularExpressions;
using Snap.Image;
using Snap.Testing;

namespace Snap.Cli.Tests.Tidy;

/// <summary>docs/errors.md explains exactly the errors that the code has.</summary>
public sealed class ErrorCatalogueTests
{
    private static readonly ErrorKind[] _catalogue =
        [.. typeof(ErrorCatalogue).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => field.GetValue(null)).OfType<ErrorKind>()];

    private static string[] Document => File.ReadAllLines(Path.Combine(RepositoryRoot.Path, "docs/errors.md"));

    [Fact]
    public void Ids_are_well_formed_and_given_once()
    {
        Assert.All(_catalogue, kind => Assert.Matches("^S0[0-8][0-9]{2}$", kind.Id));
        Assert.Empty(_catalogue.GroupBy(kind => kind.Id).Where(same => same.Count() > 1).Select(same => same.Key));
    }

    [Fact]
    public void The_document_has_a_heading_for_each_error_and_no_other()
    {
        string[] expected = [.. _catalogue.Select(kind => $"### {kind.Id}: {kind.Meaning}").Order(StringComparer.Ordinal)];
        string[] found = [.. Document.Where(line => Regex.IsMatch(line, "^### S[0-9]")).Order(StringComparer.Ordinal)];
        Assert.True(expected.SequenceEqual(found), $"missing in docs/errors.md:\n{string.Join('\n', expected.Except(found))}\nnot in the code:\n{string.Join('\n', found.Except(expected))}");
    }

    [Fact]
    public void Each_entry_says_its_exit_code_cause_and_cure()
    {
        string[] lines = Document;
        var wrong = new List<string>();
        foreach (ErrorKind kind in _catalogue)
        {
            int start = Array.FindIndex(lines, line => line.StartsWith($"### {kind.Id}:", StringComparison.Ordinal));
            string[] entry = [.. lines.Skip(start + 1).TakeWhile(line => !line.StartsWith('#'))];
            if (start < 0 || !entry.Any(line => line.StartsWith($"Exit code {(int)kind.ExitCode}.", StringComparison.Ordinal))
                || !entry.Any(line => line.Contains("Cause: ", StringComparison.Ordinal)) || !entry.Any(line => line.Contains("Cure: ", StringComparison.Ordinal)))
                wrong.Add($"{kind.Id} (exit code {(int)kind.ExitCode})");
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void The_document_lists_every_exit_code()
    {
        string text = string.Join('\n', Document);
        Assert.All(Enum.GetValues<ExitCode>(), code => Assert.Contains($"| {(int)code} |", text, StringComparison.Ordinal));
    }

    [Fact]
    public void Messages_name_only_errors_that_exist()
    {
        string[] known = [.. _catalogue.Select(kind => kind.Id)];
        var wrong = from file in SourceFiles.Below(".cs", "src").Concat(SourceFiles.Below(".md", "docs"))
                    from line in file.Lines
                    from Match match in Regex.Matches(line, @"\bS0[0-9]{3}\b")
                    where !known.Contains(match.Value)
                    select $"{file.Path}: {match.Value}";
        Assert.Empty(wrong);
    }
}
