using System.CommandLine;
using Snap.Cli.Output;
using Snap.Image;
using Snap.Store;

namespace Snap.Cli.Commands;

/// <summary><c>snap tag REF TAG</c>: names a snapshot, and pins it.</summary>
internal static class TagCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        Argument<string> reference = CommandOptions.Reference();
        Argument<string?> tag = CommandOptions.NoOption(new Argument<string?>("TAG") { Description = "The tag; one that exists moves", Arity = ArgumentArity.ZeroOrOne });
        var delete = new Option<bool>("--delete") { Description = "Remove the tag that REF names; the snapshot stays, no longer pinned" };
        var command = new Command("tag", "Name a snapshot by a tag, which also keeps it from being deleted") { reference, tag, delete };
        command.Validators.Add(result =>
        {
            if (result.GetResult(tag) is { Tokens.Count: > 0 } == (result.GetResult(delete) is not null))
                result.AddError("`snap tag` takes REF and TAG, or --delete and a tag");
        });
        command.SetAction(parsed =>
        {
            using StoreWriter store = StoreWriter.OpenExisting(common.StoreDirectory(parsed));
            string named = parsed.GetRequiredValue(reference);
            TagJson done = parsed.GetValue(delete) ? Delete(store, named) : Set(store, named, parsed.GetValue(tag)!);
            if (common.WantsJson(parsed))
                common.Terminal.Out.WriteLine(CliJson.Text(done, CliJson.Readable.TagJson));
            else
                common.Terminal.Out.WriteLine(done.Deleted ? $"removed tag {done.Tag}" : $"{done.Tag} is {done.Snapshot!.Id[..8]} {done.Snapshot.Name} #{done.Snapshot.Seq}");
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static TagJson Set(StoreWriter store, string reference, string tag)
    {
        SnapshotInfo snapshot = store.Reader.Resolve(reference, DateTimeOffset.Now);
        store.Tag(snapshot.Id, tag);
        return new TagJson { Tag = tag, Snapshot = SnapshotRefJson.Of(snapshot), Deleted = false };
    }

    private static TagJson Delete(StoreWriter store, string tag)
    {
        if (!store.Untag(tag))
        {
            string[] tags = [.. store.Reader.Tags.Select(known => known.Tag)];
            throw new SnapException(ErrorCatalogue.SnapshotNotFound, $"there is no tag '{tag}'",
                why: tags.Length == 0 ? "the store has no tags" : $"the store has the tags {string.Join(", ", tags.Take(20))}", toDo: "`snap log` shows the tags");
        }
        return new TagJson { Tag = tag, Snapshot = null, Deleted = true };
    }
}
