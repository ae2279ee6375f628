using System.CommandLine;
using System.Text.RegularExpressions;
using Snap.Cli.Output;
using Snap.Testing;

namespace Snap.Cli.Tests.Docs;

/// <summary>docs/cli.md and README.md say what the command line does. SNAP_UPDATE_DOCS=1 writes the tables anew.</summary>
public sealed class DocumentTests
{
    private const string Begin = "<!-- made from the command tree: begin -->\n", End = "<!-- made from the command tree: end -->";

    [Fact]
    public void The_tables_of_cli_md_are_those_of_the_command_tree()
    {
        string path = Path.Combine(RepositoryRoot.Path, "docs/cli.md");
        string text = File.ReadAllText(path);
        int start = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int end = text.IndexOf(End, StringComparison.Ordinal);
        string wanted = "\n" + OptionTable.Write();
        if (Environment.GetEnvironmentVariable("SNAP_UPDATE_DOCS") == "1")
            File.WriteAllText(path, text[..start] + wanted + text[end..]);
        else
            Assert.Equal(wanted, text[start..end]);
    }

    [Fact]
    public void Every_member_that_json_can_have_is_in_cli_md()
    {
        string text = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "docs/cli.md"));
        string json = text[text.IndexOf("## JSON", StringComparison.Ordinal)..];
        string[] missing = [.. from shape in new System.Text.Json.Serialization.Metadata.JsonTypeInfo[]
                               {
                                   CliJson.Readable.GcJson, CliJson.Readable.GcDecisionJson, CliJson.Readable.RmJson, CliJson.Readable.TagJson, CliJson.Readable.VerifyJson,
                                   CliJson.Readable.FindingJson, CliJson.Readable.RepairJson, CliJson.Readable.StatsJson, CliJson.Readable.NameStatistics, CliJson.Readable.EncodingJson,
                                   CliJson.Readable.SnapshotRefJson, CliJson.Readable.SnapshotJson, CliJson.Readable.RestoreJson, CliJson.Readable.RunJson,
                                   CliJson.Readable.TargetJson, CliJson.Readable.EngineJson, CliJson.Readable.EngineStopJson,
                               }
                               from member in shape.Properties
                               where !json.Contains($"`{member.Name}`", StringComparison.Ordinal)
                               select $"{shape.Type.Name}.{member.Name}"];
        Assert.Empty(missing);
    }

    [Fact]
    public void Every_option_has_a_description()
    {
        RootCommand root = CommandTree.Build(new Terminal(TextWriter.Null, TextWriter.Null));
        Assert.All(root.Subcommands, command => Assert.False(string.IsNullOrEmpty(command.Description), command.Name));
        Assert.All(root.Subcommands.SelectMany(command => command.Options), option => Assert.False(string.IsNullOrEmpty(option.Description), option.Name));
        Assert.All(root.Subcommands.SelectMany(command => command.Arguments), argument => Assert.False(string.IsNullOrEmpty(argument.Description), argument.Name));
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/cli.md")]
    public void Commands_in_documents_can_be_parsed(string document)
    {
        RootCommand root = CommandTree.Build(new Terminal(TextWriter.Null, TextWriter.Null));
        string text = File.ReadAllText(Path.Combine(RepositoryRoot.Path, document));
        var wrong = new List<string>();
        foreach (Match block in Regex.Matches(text, "```(sh|console)\n(.*?)```", RegexOptions.Singleline))
        {
            foreach (string line in block.Groups[2].Value.Split('\n'))
            {
                string command = line.StartsWith("$ ", StringComparison.Ordinal) ? line[2..] : block.Groups[1].Value == "sh" ? line : "";
                Match snap = Regex.Match(command, @"(?:^|\s)(?:\./)?snap\s+([^|&>#]*)");
                if (snap.Success && root.Parse(snap.Groups[1].Value.Trim()) is { Errors.Count: > 0 } parsed)
                    wrong.Add($"{command}: {parsed.Errors[0].Message}");
                Match script = Regex.Match(command, @"^\./([a-z]+)");
                if (script.Success && !File.Exists(Path.Combine(RepositoryRoot.Path, script.Groups[1].Value)))
                    wrong.Add($"{command}: there is no such file");
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Examples_of_help_can_be_parsed()
    {
        RootCommand root = CommandTree.Build(new Terminal(TextWriter.Null, TextWriter.Null));
        string[] wrong = [.. from example in ExamplesHelp.Examples.Values.SelectMany(examples => examples)
                             let command = Regex.Match(example, @"^snap ([^|]*?)(?:\s{2,}|\||$)").Groups[1].Value
                             from error in root.Parse(command).Errors
                             select $"{example}: {error.Message}"];
        Assert.Empty(wrong);
    }
}
