using Snap.Image;

namespace Snap.Dumper.Preflight;

/// <summary>Looks at running processes again and again until it is clear whether what stands in the way stays.</summary>
/// <remarks>
/// Children come and go while they are looked at: one that isn't listed yet seems to hold a pipe from outside, one that calls exec shares memory with its
/// parent until it has. So a reason counts if two looks in a row find it, and shared memory if it stays for as long as an exec may take on a busy machine.
/// What differs from look to look is left for the freeze to judge, exactly.
/// </remarks>
internal static class RepeatedLook
{
    private const int MaxLooks = 5, MaxLooksAtSharing = 40;
    private const int LookAgainMs = 2;

    /// <summary>Looks until nothing stands in the way, or something stays.</summary>
    /// <param name="look">One look; its findings.</param>
    /// <returns>What stays.</returns>
    public static IReadOnlyList<SnapException> Run(Func<IReadOnlyList<SnapException>> look)
    {
        IReadOnlyList<SnapException> last = look();
        for (int looks = 2; last.Count > 0; looks++)
        {
            Thread.Sleep(LookAgainMs);
            IReadOnlyList<SnapException> now = look();
            SnapException[] stay = [.. now.Where(finding => last.Any(earlier => IsSame(finding, earlier)))];
            if (stay.Any(finding => finding.Kind != ErrorCatalogue.SharesResources) || (stay.Length > 0 && looks >= MaxLooksAtSharing))
                return stay;
            if (stay.Length == 0 && looks >= MaxLooks)
                return [];
            last = now;
        }

        return [];
    }

    private static bool IsSame(SnapException one, SnapException other) => one.Kind == other.Kind && one.What == other.What && one.Where == other.Where;
}
