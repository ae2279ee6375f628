using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Snap.Cli;

/// <summary>The usual help, and examples below it.</summary>
internal sealed class ExamplesHelp(HelpAction usual) : SynchronousCommandLineAction
{
    /// <summary>Examples of each command; the empty name is snap itself. docs/cli.md shows the same.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> Examples = new Dictionary<string, string[]>
    {
        [""] =
        [
            "snap demo                                    see it work on a real program",
            "snap run --every 1s -- python3 train.py      start a program, a snapshot every second",
            "snap watch 4711 --every 200ms                the same for one that runs already",
            "snap log                                     all snapshots, newest first",
            "snap restore train@10s                       bring it back as it was ten seconds ago",
        ],
        ["run"] = ["snap run --every 1s -- python3 train.py", "snap run --name job --every 200ms -- ./simulate --steps 1000 | tee log"],
        ["take"] = ["snap take 4711", "snap take redis-server --json"],
        ["watch"] = ["snap watch 4711 --every 200ms", "snap watch redis-server --every 5s --for 1h", "snap watch 4711 --every 1s --keep last=60 --keep every=1m/2h", "snap watch 4711 --every 1s --detach"],
        ["ps"] = ["snap ps"],
        ["unwatch"] = ["snap unwatch 4711"],
        ["engine"] = ["snap engine status", "snap engine stop"],
        ["log"] = ["snap log", "snap log train --json | jq '.[0].id'"],
        ["show"] = ["snap show latest", "snap show train~3", "snap show 3f9a01bc --json | jq '.processes[].descriptors'"],
        ["restore"] = ["snap restore latest", "snap restore train@10s --wait", "snap restore train@2026-11-22T21:00:05Z --files keep"],
        ["tag"] = ["snap tag train~3 good", "snap tag --delete good"],
        ["rm"] = ["snap rm 3f9a01bc", "snap rm train@1h train@2h --dry-run"],
        ["gc"] =
        [
            "snap gc",
            "snap gc train --keep-last 20 --keep-every 10s --for 1h --keep-hourly 24 --dry-run",
            "snap gc --max-size 2G",
        ],
        ["verify"] = ["snap verify", "snap verify --read-data --json | jq .damaged"],
        ["repair"] = ["snap repair --dry-run", "snap repair"],
        ["stats"] = ["snap stats", "snap stats --json | jq .storedBytes"],
        ["check"] = ["snap check", "snap check --json | jq .tracker"],
        ["demo"] = ["snap demo"],
    };

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        int result = usual.Invoke(parseResult);
        Command command = parseResult.CommandResult.Command;
        if (Examples.TryGetValue(command is RootCommand ? "" : command.Name, out string[]? examples))
        {
            TextWriter output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (string example in examples)
                output.WriteLine($"  {example}");
            output.WriteLine();
        }

        return result;
    }
}
