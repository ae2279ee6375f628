using System.Globalization;
using System.Text.Json;
using Snap.Testing;

namespace Snap.Cli.Tests.Commands;

/// <summary>What a user gets wrong: a clear error each, the right exit code, and nothing harmed.</summary>
public sealed class BadInputTests
{
    [SkippableTheory]
    [InlineData("4194303", 3)]
    [InlineData("99999999999", 3)]
    [InlineData("1", 4)]
    [InlineData("no-such-process-name", 3)]
    public void Take_of_a_wrong_target_says_what_is_wrong(string target, int exitCode)
    {
        using var store = new TemporaryDirectory();
        (int code, JsonElement error) = SnapBinary.JsonError("take", target, "--store", store["s"], "--json");
        Assert.True(code == exitCode, $"{code}: {error}");
        Assert.False(string.IsNullOrEmpty(error.GetProperty("what").GetString()));
    }

    [SkippableFact]
    public void A_name_that_fits_several_processes_lists_them()
    {
        using var store = new TemporaryDirectory();
        using Target one = Target.Start("sleeper");
        using Target two = Target.Start("sleeper");
        (int code, JsonElement error) = SnapBinary.JsonError("take", "sleeper", "--store", store["s"], "--json");
        Assert.Equal(3, code);
        Assert.Equal("S0291", error.GetProperty("id").GetString());
        Assert.Contains(one.Pid.ToString(CultureInfo.InvariantCulture), error.GetProperty("where").GetString(), StringComparison.Ordinal);
        Assert.Contains(two.Pid.ToString(CultureInfo.InvariantCulture), error.GetProperty("where").GetString(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void References_that_fit_nothing_are_explained()
    {
        SnapBinary.SkipUnlessCanRestore();
        using var store = new TemporaryDirectory();
        using Target target = Target.Start("counter");
        SnapBinary.Json("take", target.Pid.ToString(CultureInfo.InvariantCulture), "--store", store["s"], "--name", "job", "--json");
        Assert.Equal("S0510", Id("show", "nothing"));
        Assert.Equal("S0512", Id("show", "job@2001-01-01T00:00:00Z"));
        Assert.Equal("S0513", Id("show", "job@@"));
        Assert.Equal("S0510", Id("log", "nothing"));
        Assert.Empty(target.Check());

        string? Id(params string[] arguments) => SnapBinary.JsonError([.. arguments, "--store", store["s"], "--json"]).Error.GetProperty("id").GetString();
    }

    [SkippableFact]
    public void A_directory_that_is_no_store_is_left_alone()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["mine.txt"], "hello");
        (int code, JsonElement error) = SnapBinary.JsonError("log", "--store", directory.Path, "--json");
        Assert.Equal(6, code);
        Assert.Equal("S0505", error.GetProperty("id").GetString());
        Assert.Equal(["mine.txt"], Directory.GetFileSystemEntries(directory.Path).Select(Path.GetFileName));
    }
}
