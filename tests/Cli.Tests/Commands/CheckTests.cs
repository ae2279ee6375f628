using System.Text.Json;

namespace Snap.Cli.Tests.Commands;

public sealed class CheckTests
{
    [Fact]
    public void Check_names_each_feature_and_what_its_absence_costs()
    {
        (int code, JsonElement value) = InProcess.RunJson("check", "--json");
        Assert.Equal(value.GetProperty("canCapture").GetBoolean() ? 0 : 5, code);
        Assert.Contains(value.GetProperty("tracker").GetString(), new[] { "write-protect", "soft-dirty", "compare" });
        JsonElement[] findings = [.. value.GetProperty("findings").EnumerateArray()];
        Assert.Contains(findings, finding => finding.GetProperty("feature").GetString() == "choose-pids");
        Assert.All(findings, finding => Assert.Equal(finding.GetProperty("present").GetBoolean(), finding.GetProperty("cost").ValueKind == JsonValueKind.Null));
    }

    [Fact]
    public void Check_reads_well()
    {
        (_, string output, string error) = InProcess.Run("check");
        Assert.Equal("", error);
        Assert.Contains("write-protect", output, StringComparison.Ordinal);
        Assert.Contains("tracker:", output, StringComparison.Ordinal);
    }
}
