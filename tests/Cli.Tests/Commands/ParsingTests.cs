using System.Text.Json;
using Snap.Testing;

namespace Snap.Cli.Tests.Commands;

public sealed class ParsingTests
{
    [Fact]
    public void An_unknown_command_is_usage_and_names_the_help()
    {
        (int code, string output, string error) = InProcess.Run("tkae");
        Assert.Equal(2, code);
        Assert.Equal("", output);
        Assert.StartsWith("snap: S0101 unrecognized command or argument 'tkae'\n  to do: `snap --help`", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_option_names_the_commands_own_help()
    {
        (int code, _, string error) = InProcess.Run("log", "--wrong");
        Assert.Equal(2, code);
        Assert.Contains("`snap log --help`", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Errors_are_json_when_json_is_asked_for()
    {
        (int code, JsonElement value) = InProcess.RunJson("show", "--json");
        Assert.Equal(2, code);
        JsonElement error = value.GetProperty("error");
        Assert.Equal(1, value.GetProperty("schema").GetInt32());
        Assert.Equal("S0101", error.GetProperty("id").GetString());
        Assert.Equal(2, error.GetProperty("exitCode").GetInt32());
        Assert.Equal(["id", "what", "where", "why", "toDo", "exitCode", "others"], error.EnumerateObject().Select(member => member.Name));
    }

    [Theory]
    [InlineData("--limit", "0")]
    [InlineData("--limit", "x")]
    public void A_count_is_a_number_of_at_least_one(string option, string value) => Assert.Equal(2, InProcess.Run("log", option, value).ExitCode);

    [Fact]
    public void Snap_alone_shows_its_commands_and_is_usage()
    {
        (int code, string output, string error) = InProcess.Run();
        Assert.Equal(2, code);
        Assert.Equal("", output);
        Assert.Contains("Commands:", error, StringComparison.Ordinal);
        Assert.Contains("Examples:", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_goes_to_stdout_and_shows_examples()
    {
        (int code, string output, _) = InProcess.Run("log", "--help");
        Assert.Equal(0, code);
        Assert.Contains("snap log train --json", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_store_is_not_found()
    {
        using var directory = new TemporaryDirectory();
        (int code, _, string error) = InProcess.Run("log", "--store", directory["nothing"]);
        Assert.Equal(3, code);
        Assert.Contains("S0502", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(directory["nothing"]));
    }

    [Fact]
    public void The_store_is_named_by_option_then_variable_then_xdg_then_home()
    {
        var variables = new Dictionary<string, string?> { ["HOME"] = "/h" };
        string Find(string? option) => CommonOptions.StoreDirectory(option, name => variables.GetValueOrDefault(name));
        Assert.Equal("/h/.local/share/snap", Find(null));
        variables["XDG_DATA_HOME"] = "relative/is/ignored";
        Assert.Equal("/h/.local/share/snap", Find(null));
        variables["XDG_DATA_HOME"] = "/x";
        Assert.Equal("/x/snap", Find(null));
        variables["SNAP_STORE"] = "/s";
        Assert.Equal("/s", Find(null));
        Assert.Equal("/o", Find("/o"));
        variables.Clear();
        Assert.Equal("S0102", Assert.Throws<Snap.Image.SnapException>(() => Find(null)).Kind.Id);
    }
}
