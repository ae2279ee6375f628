// Snap.Store without the rest of Snap: versions of anything that consists of pages, under a name, each readable at flat cost.
using System.Text;
using Snap.Image;
using Snap.Store;

namespace Snap.Examples;

/// <summary>Keeps a small table of text in pages, stores three versions of it, and reads them back.</summary>
public static class VersionedPages
{
    private static readonly SpaceId _table = new(1);

    /// <summary>Runs the example.</summary>
    /// <param name="directory">Where the store is made.</param>
    /// <param name="output">Told what happens.</param>
    public static void Run(string directory, TextWriter output)
    {
        SnapshotInfo first, second, third;
        using (StoreWriter store = StoreWriter.Open(directory))
        {
            // A first version gives everything; a later one only what changed since its parent.
            first = Store(store, SnapshotId.None, (0, "apples"), (1, "pears"), (2, "plums"));
            second = Store(store, first.Id, (1, "cherries"));
            third = Store(store, second.Id, (1, "pears"));
            output.WriteLine($"the second version added {second.Statistics.PagesStored} page, the third {third.Statistics.PagesStored}");

            // A tag keeps a version from being collected.
            store.Tag(first.Id, "harvest");
            GarbageReport report = store.CollectGarbage(new GarbageOptions { Policy = new RetentionPolicy { KeepLast = 1 } });
            output.WriteLine($"{report.Decisions.Count(decision => decision.IsKept)} of {report.Decisions.Count} versions stay");
        }

        // Any number of processes may read meanwhile.
        using StoreReader reader = StoreReader.Open(directory);
        foreach (string reference in new[] { "harvest", "fruit" })
        {
            SnapshotInfo version = reader.Resolve(reference, DateTimeOffset.UtcNow);
            using SnapshotContent content = reader.OpenSnapshot(version.Id);
            output.WriteLine($"{reference}: {string.Join(", ", Rows(content))}");
        }
        output.WriteLine(reader.Verify(readData: true).IsWhole ? "the store is whole" : "the store is damaged");
    }

    private static SnapshotInfo Store(StoreWriter store, SnapshotId parent, params (ulong Page, string Text)[] rows)
    {
        using SnapshotBuilder builder = store.Begin("fruit", parent);
        byte[] page = new byte[PageRange.PageSize];
        foreach ((ulong number, string text) in rows)
        {
            Array.Clear(page);
            Encoding.UTF8.GetBytes(text, page);
            builder.Put(_table, number, page);
        }
        // Beside the pages, a version carries bytes that only its owner understands.
        return builder.Commit(new SnapshotHeader("fruit", DateTimeOffset.UtcNow), "a table of fruit"u8);
    }

    private static IEnumerable<string> Rows(SnapshotContent content)
    {
        byte[] page = new byte[PageRange.PageSize];
        foreach (PageRun run in content.Runs(_table))
        {
            for (ulong number = run.Range.First; number < run.Range.End; number++)
            {
                content.ReadPages(_table, number, page);
                yield return Encoding.UTF8.GetString(page).TrimEnd('\0');
            }
        }
    }
}
