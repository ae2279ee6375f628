using System.CommandLine;
using Snap.Cli.Output;
using Snap.Engine;
using Snap.Engine.Client;
using Snap.Image;

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
            using IEngine engine = EngineAccess.Open(common.StoreDirectory(parsed), mustExist: true);
            string named = parsed.GetRequiredValue(reference);
            TagJson done = parsed.GetValue(delete) ? Delete(engine, named) : Set(engine, named, parsed.GetValue(tag)!);
            if (common.WantsJson(parsed))
                common.Terminal.Out.WriteLine(CliJson.Text(done, CliJson.Readable.TagJson));
            else
                common.Terminal.Out.WriteLine(done.Deleted ? $"removed tag {done.Tag}" : $"{done.Tag} is {done.Snapshot!.Id[..8]} {done.Snapshot.Name} #{done.Snapshot.Seq}");
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static TagJson Set(IEngine engine, string reference, string tag) =>
        new() { Tag = tag, Snapshot = SnapshotRefJson.Of(engine.Tag(reference, tag)), Deleted = false };

    private static TagJson Delete(IEngine engine, string tag)
    {
        engine.Untag(tag);
        return new TagJson { Tag = tag, Snapshot = null, Deleted = true };
    }
}
