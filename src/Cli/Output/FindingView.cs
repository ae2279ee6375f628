using System.Globalization;
using Snap.Image;
using Snap.Store;

namespace Snap.Cli.Output;

/// <summary>Says of damaged pages whose they were: the store knows spaces, the image knows processes.</summary>
internal static class FindingView
{
    /// <summary>Findings for people, each snapshot's image read once.</summary>
    public static IReadOnlyList<FindingJson> Of(StoreReader store, IReadOnlyList<VerifyFinding> findings)
    {
        var images = new Dictionary<SnapshotId, SnapshotImage?>();
        var views = new List<FindingJson>();
        foreach (VerifyFinding finding in findings)
        {
            SnapshotImage? image = null;
            if (finding is { Snapshot: { } snapshot, Space: not null } && !images.TryGetValue(snapshot.Id, out image))
                images[snapshot.Id] = image = ReadImage(store, snapshot.Id);
            views.Add(Of(finding, image));
        }
        return views;
    }

    /// <summary>One finding; without an image its process stays unnamed.</summary>
    public static FindingJson Of(VerifyFinding finding, SnapshotImage? image) => new()
    {
        Where = finding.Where,
        What = finding.What,
        Snapshot = finding.Snapshot?.Id.ToString(),
        Process = finding is { Space: { } space, Pages: { } pages } && image is not null ? Owner(image, space, pages) : null,
        Pages = (long)(finding.Pages?.Count ?? 0),
    };

    private static string? Owner(SnapshotImage image, SpaceId space, PageRange pages)
    {
        string address = (pages.First << PageRange.PageShift).ToString("x", CultureInfo.InvariantCulture);
        if (image.Processes.FirstOrDefault(process => process.Space == space) is { } owner)
        {
            MappingImage? mapping = owner.Mappings.FirstOrDefault(mapping => mapping.Start <= pages.First << PageRange.PageShift && pages.First << PageRange.PageShift < mapping.End);
            return $"pid {owner.Pid} at {address}{(mapping is null ? "" : $" in {mapping}")}";
        }
        ProcessImage[] sharers = [.. image.Processes.Where(process => process.Mappings.Any(mapping => mapping.SharedSpace == space))];
        return sharers.Length > 0 ? $"shared memory of pid {string.Join(", ", sharers.Select(process => process.Pid))}, offset {address}" : null;
    }

    private static SnapshotImage? ReadImage(StoreReader store, SnapshotId id)
    {
        try
        {
            using SnapshotContent content = store.OpenSnapshot(id);
            return ImageCodec.Decode(content.ReadImage());
        }
        catch (SnapException)
        {
            return null; // That it can't be read is a finding of its own.
        }
    }
}
