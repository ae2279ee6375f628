using System.CommandLine;
using Snap.Cli.Output;
using Snap.Engine;
using Snap.Engine.Client;
using Snap.Kernel.Processes;
using Snap.Store;

namespace Snap.Cli.Commands;

/// <summary><c>snap run -- CMD</c>: starts a program and takes snapshots of it.</summary>
internal static class RunCommand
{
    private static readonly TimeSpan _defaultEvery = TimeSpan.FromSeconds(1);

    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        Option<string?> name = CommandOptions.Name();
        Option<TimeSpan?> every = CommandOptions.Duration("--every", "Time from one snapshot to the next; 1s if not given");
        Option<TimeSpan?> maxPause = CommandOptions.MaxPause();
        var inherit = new Option<bool>("--inherit") { Description = "Pass descriptors above 2 on to the program too; they usually lead outside, and then it can't be captured" };
        var program = new Argument<string[]>("CMD") { Description = "The program and its arguments, after --", Arity = ArgumentArity.OneOrMore };
        var command = new Command("run", "Start a program and take snapshots of it while it runs; stdio, signals and exit code are its own") { every, name, maxPause, inherit, program };
        var rescue = new RescueOptionSet(command);
        var storing = new StoreOptionSet(command, withKeep: true);
        command.SetAction(parsed =>
        {
            RetentionPolicy? keep = storing.Policy(parsed);
            // Shells, editors and CI leak pipes into what they start.
            if (!parsed.GetValue(inherit))
                OwnProcess.KeepDescriptorsFromChildren();
            string directory = common.StoreDirectory(parsed);
            using IEngine engine = EngineAccess.Open(directory);
            var trouble = new TroubleReport(common.Terminal.Error);
            RunResult result = CommandRun.Run(engine, new RunOptions
            {
                Command = parsed.GetRequiredValue(program),
                Every = parsed.GetValue(every) ?? _defaultEvery,
                Name = parsed.GetValue(name),
                Durability = storing.Chosen(parsed),
                Exclude = storing.Excluded(parsed),
                MaxPause = parsed.GetValue(maxPause),
                Keep = keep,
                StoreDirectory = directory,
                OnExit = rescue.OnExit(parsed),
                OnRescued = rescued => RescueText.Write(common.Terminal.Error, rescued),
                OnRescueFailure = failure => ErrorReport.Tell(common.Terminal, failure),
                OnGap = rescue.OnGap(parsed),
                OnGapFailure = failure => ErrorReport.Tell(common.Terminal, failure),
                OnKeepFailure = failure => ErrorReport.Tell(common.Terminal, failure),
                OnStatus = status => trouble.Tell(status),
            });
            Tell(common.Terminal, result, common.WantsJson(parsed));
            return result.Exit.ShellCode;
        });
        return command;
    }

    private static void Tell(Terminal terminal, RunResult result, bool json)
    {
        if (result.WatchFailure is { } failure)
            terminal.Error.WriteLine($"snap: taking snapshots stopped before the program did: {failure.Render()}");
        WatchStatus? watch = result.Watch;
        if (json)
        {
            terminal.Out.WriteLine(CliJson.Text(new RunJson
            {
                Name = watch?.Name,
                Pid = result.Pid,
                ExitCode = result.Exit.ShellCode,
                Snapshots = watch?.Snapshots ?? 0,
                Missed = watch?.Missed ?? 0,
                Last = watch?.Last?.Id.ToString(),
            }, CliJson.Readable.RunJson));
        }
        else if (watch?.Last is { } last && (terminal.ErrorIsTerminal || result.Exit.WasKilled))
        {
            terminal.Error.WriteLine($"snap: the program {result.Exit}; {watch.Snapshots} snapshots, the last is {last}; `snap restore {last.Name}` brings it back");
        }
    }
}
