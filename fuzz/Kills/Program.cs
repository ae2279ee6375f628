using System.Globalization;

namespace Snap.Fuzz.Kills;

/// <summary>kill-campaign SNAP [DEATHS] [SEED]: kills tracer and engine in every phase of checkpoints of programs at work, and looks for harm.</summary>
/// <remarks>SNAP is the published binary, DEATHS how often each is killed in each phase (200). Exit code 1 and the history's seed if anything was harmed.</remarks>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments.Length is < 1 or > 3 || !File.Exists(arguments[0]))
        {
            Console.Error.WriteLine("usage: kill-campaign SNAP [DEATHS] [SEED]");
            return 2;
        }

        int deaths = arguments.Length > 1 ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : 200;
        int seed = arguments.Length > 2 ? int.Parse(arguments[2], CultureInfo.InvariantCulture) : Environment.TickCount & 0xFFFFFF;
        Console.WriteLine($"seed {seed}, {deaths} deaths a phase");
        using var campaign = new KillCampaign(Path.GetFullPath(arguments[0]), deaths, new Random(seed));
        try
        {
            campaign.Run();
            Console.WriteLine("no target was harmed, no acknowledged snapshot lost");
            return 0;
        }
        catch (HarmException harm)
        {
            Console.WriteLine($"HARM (seed {seed}): {harm.Message}");
            return 1;
        }
    }
}
