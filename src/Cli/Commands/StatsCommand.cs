using System.CommandLine;
using System.Globalization;
using Snap.Cli.Output;
using Snap.Image;
using Snap.Store;
using Spectre.Console;

namespace Snap.Cli.Commands;

/// <summary><c>snap stats</c>: where the store's bytes are.</summary>
internal static class StatsCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        var command = new Command("stats", "Show where the store's bytes are: what deduplication, deltas and compression save, in total and by name");
        command.SetAction(parsed =>
        {
            using StoreReader store = StoreReader.Open(common.StoreDirectory(parsed));
            StoreStatistics statistics = store.ReadStatistics();
            if (common.WantsJson(parsed))
                common.Terminal.Out.WriteLine(CliJson.Text(StatsJson.Of(statistics), CliJson.Readable.StatsJson));
            else
                Show(common.Terminal, statistics);
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static void Show(Terminal terminal, StoreStatistics statistics)
    {
        Table totals = Tables.New("", ">", "");
        void Row(string what, long bytes, string remark) => totals.AddRow(new Text(what), new Text(Sizes.Bytes(bytes)), new Text(remark));
        Row("logical", statistics.LogicalBytes, $"{statistics.Snapshots} snapshots as if each were stored alone; {Share(statistics.ZeroBytes, statistics.LogicalBytes)} zero pages");
        Row("unique", statistics.UniqueBytes, "different pages, decoded");
        Row("stored", statistics.StoredBytes, $"{statistics.Segments} segments, {Share(statistics.LiveBytes, statistics.StoredBytes)} live"
            + (statistics.StoredBytes > 0 ? string.Create(CultureInfo.InvariantCulture, $"; {(double)statistics.LogicalBytes / statistics.StoredBytes:0.0} times smaller than logical") : ""));
        Row("  deltas", statistics.Delta.Bytes, Pages(statistics.Delta));
        Row("  zstd", statistics.Zstd.Bytes, Pages(statistics.Zstd));
        Row("  raw", statistics.Raw.Bytes, Pages(statistics.Raw));
        Row("  manifests", statistics.ManifestBytes, Share(statistics.ManifestBytes, statistics.StoredBytes));
        Row("  images", statistics.ImageBytes, "kernel state");
        Row("  other", statistics.OtherBytes, "tables, hashes, commits, and what is unreachable");
        Row("catalog", statistics.CatalogBytes, $"at most {Sizes.Bytes(statistics.MaxDecodedBytes)} decoded to read a page");
        terminal.Write(totals);
        if (statistics.Names.Count == 0)
            return;
        terminal.Out.WriteLine();
        Table names = Tables.New("name", "snapshots>", "pages given>", "zero>", "unchanged>", "dedup>", "delta>", "new>", "bytes added>", "in segments>");
        foreach (NameStatistics name in statistics.Names)
        {
            names.AddRow(name.Name, Number(name.Snapshots), Number(name.PagesGiven), Share(name.PagesZero, name.PagesGiven), Share(name.PagesUnchanged, name.PagesGiven),
                Share(name.PagesDeduplicated, name.PagesGiven), Share(name.PagesDelta, name.PagesGiven), Share(name.PagesStored - name.PagesDelta, name.PagesGiven),
                Sizes.Bytes(name.BytesStored), Sizes.Bytes(name.SegmentBytes));
        }
        terminal.Write(names);
    }

    private static string Pages(EncodingStatistics encoding) =>
        encoding.Pages == 0 ? "none" : string.Create(CultureInfo.InvariantCulture, $"{encoding.Pages} pages, {encoding.Bytes / (double)encoding.Pages:0} bytes each");

    private static string Share(long part, long whole) => whole == 0 ? "0 %" : string.Create(CultureInfo.InvariantCulture, $"{100.0 * part / whole:0.#} %");

    private static string Number(long count) => count.ToString(CultureInfo.InvariantCulture);
}
