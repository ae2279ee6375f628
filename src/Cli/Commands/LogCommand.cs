using System.CommandLine;
using System.Globalization;
using Snap.Cli.Output;
using Snap.Image;
using Snap.Store;
using Spectre.Console;

namespace Snap.Cli.Commands;

/// <summary><c>snap log [NAME]</c>: the snapshots of a store, newest first.</summary>
internal static class LogCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        Argument<string?> name = CommandOptions.NoOption(
            new Argument<string?>("NAME") { Description = "Only the snapshots of this name", Arity = ArgumentArity.ZeroOrOne });
        Option<int?> limit = CommandOptions.Count("--limit", "Only the newest N");
        var command = new Command("log", "List snapshots, newest first") { name, limit };
        command.SetAction(parsed =>
        {
            using StoreReader store = StoreReader.Open(common.StoreDirectory(parsed));
            string? wanted = parsed.GetValue(name);
            SnapshotInfo[] chosen = Choose(store, wanted, parsed.GetValue(limit));
            if (common.WantsJson(parsed))
                common.Terminal.Out.WriteLine(CliJson.Text([.. chosen.Select(SnapshotJson.Of)], CliJson.Readable.SnapshotList));
            else
                Show(common.Terminal, [.. chosen.Select(SnapshotJson.Of)], store.Tags);
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static SnapshotInfo[] Choose(StoreReader store, string? name, int? limit)
    {
        IReadOnlyList<SnapshotInfo> all = store.Snapshots;
        SnapshotInfo[] chosen = [.. all.Where(snapshot => name is null || snapshot.Name == name).Reverse().Take(limit ?? int.MaxValue)];
        if (name is not null && chosen.Length == 0)
        {
            string[] names = [.. all.Select(snapshot => snapshot.Name).Distinct().Order(StringComparer.Ordinal)];
            throw new SnapException(ErrorCatalogue.SnapshotNotFound, $"there is no snapshot named '{name}'",
                why: names.Length == 0 ? "the store holds no snapshot" : $"the store has the names {string.Join(", ", names.Take(20))}", toDo: "`snap log` lists all");
        }

        return chosen;
    }

    private static void Show(Terminal terminal, SnapshotJson[] snapshots, IReadOnlyList<TagInfo> tags)
    {
        if (snapshots.Length == 0)
        {
            terminal.Error.WriteLine("no snapshots yet; `snap take PID` or `snap run -- CMD` makes one");
            return;
        }

        DateTimeOffset now = DateTimeOffset.Now;
        ILookup<string, string> tagged = tags.ToLookup(tag => tag.Id.ToString(), tag => tag.Tag);
        Table table = Tables.New("id", "name", "seq>", "taken", "ago>", "pid>", "pause>", "dirty>", "stored>", "");
        foreach (SnapshotJson snapshot in snapshots)
        {
            string[] remarks = [.. snapshot.Full ? ["full"] : Array.Empty<string>(), .. tagged[snapshot.Id].Select(tag => $"[{tag}]"),
                .. snapshot.Missed > 0 ? [$"{snapshot.Missed} missed before"] : Array.Empty<string>()];
            table.AddRow(snapshot.Id[..8], snapshot.Name, snapshot.Seq.ToString(CultureInfo.InvariantCulture), Sizes.Moment(snapshot.Time, now),
                Sizes.Ago(now - snapshot.Time), snapshot.Pid.ToString(CultureInfo.InvariantCulture), Sizes.Microseconds(snapshot.PauseMicroseconds),
                snapshot.PagesDirty.ToString(CultureInfo.InvariantCulture), Sizes.Bytes(snapshot.BytesStored), Markup.Escape(string.Join(' ', remarks)));
        }

        terminal.Write(table);
    }
}
