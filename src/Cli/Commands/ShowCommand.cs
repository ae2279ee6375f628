using System.CommandLine;
using System.Globalization;
using Snap.Cli.Output;
using Snap.Image;
using Snap.Kernel.Processes;
using Snap.Store;
using Spectre.Console;

namespace Snap.Cli.Commands;

/// <summary><c>snap show REF</c>: what is in a snapshot.</summary>
internal static class ShowCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        Argument<string> reference = CommandOptions.Reference();
        var command = new Command("show", "Show what a snapshot holds: processes, threads, mappings, descriptors") { reference };
        command.SetAction(parsed =>
        {
            using StoreReader store = StoreReader.Open(common.StoreDirectory(parsed));
            SnapshotInfo snapshot = store.Resolve(parsed.GetRequiredValue(reference), DateTimeOffset.Now);
            using SnapshotContent content = store.OpenSnapshot(snapshot.Id);
            ShowJson shown = SnapshotView.Of(content, [.. store.Tags.Where(tag => tag.Id == snapshot.Id).Select(tag => tag.Tag)]);
            if (common.WantsJson(parsed))
                common.Terminal.Out.WriteLine(CliJson.Text(shown, CliJson.Readable.ShowJson));
            else
                Show(common.Terminal, shown);
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static void Show(Terminal terminal, ShowJson shown)
    {
        SnapshotJson snapshot = shown.Snapshot;
        TextWriter output = terminal.Out;
        output.WriteLine($"{snapshot.Name} #{snapshot.Seq}  {snapshot.Id}{(shown.Tags.Count > 0 ? $"  [{string.Join(", ", shown.Tags)}]" : "")}");
        output.WriteLine($"  taken   {snapshot.Time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss.fff zzz", CultureInfo.InvariantCulture)} on {snapshot.Host}, Linux {shown.Kernel}");
        output.WriteLine($"  parent  {snapshot.Parent ?? "none"}{(snapshot.Full ? " (this one is full)" : "")}");
        output.WriteLine($"  pause   {Sizes.Microseconds(snapshot.PauseMicroseconds)}, tracker {snapshot.Tracker}");
        output.WriteLine($"  pages   {shown.Pages} ({Sizes.Bytes(shown.Pages * PageRange.PageSize)}), {snapshot.PagesDirty} dirty, {snapshot.PagesStored} stored in {Sizes.Bytes(snapshot.BytesStored)}");
        foreach (string notice in shown.Notices.Concat(snapshot.Notices).Distinct())
            output.WriteLine($"  note    {notice}");
        foreach (ShowProcessJson process in shown.Processes)
            Show(terminal, process);
        foreach (ShowZombieJson zombie in shown.Zombies)
            output.WriteLine($"{Environment.NewLine}zombie {zombie.Pid} (parent {zombie.ParentPid}): {new WaitStatus(zombie.Status)}, {zombie.Name}");
    }

    private static void Show(Terminal terminal, ShowProcessJson process)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine($"process {process.Pid} (parent {process.ParentPid}, user {process.UserId}): {string.Join(' ', process.Command)}");
        terminal.Out.WriteLine($"  executable {process.Executable}, in {process.WorkingDirectory}");

        terminal.Out.WriteLine();
        Table threads = Tables.New("  tid>", "thread", "instruction", "stack", "in call>", "pending>");
        foreach (ShowThreadJson thread in process.Threads)
        {
            threads.AddRow(Number(thread.Tid), Markup.Escape(thread.Name), thread.InstructionPointer, thread.StackPointer,
                thread.Syscall is { } call ? Number(call) : "-", Number(thread.PendingSignals));
        }

        terminal.Write(threads);
        terminal.Out.WriteLine();
        Table descriptors = Tables.New("  fd>", "kind", "access", "position>", "target");
        foreach (ShowDescriptorJson descriptor in process.Descriptors)
        {
            descriptors.AddRow(Number(descriptor.Fd), descriptor.Kind, descriptor.Access, descriptor.Position is { } at ? Number(at) : "-",
                Markup.Escape(descriptor.Target));
        }

        terminal.Write(descriptors);
        terminal.Out.WriteLine();
        Table mappings = Tables.New("  mapping", "access", "size>", "own pages>", "name");
        foreach (ShowMappingJson mapping in process.Mappings)
        {
            ulong length = ulong.Parse(mapping.End, NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                - ulong.Parse(mapping.Start, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            mappings.AddRow($"  {mapping.Start}-{mapping.End}", mapping.Access, Sizes.Bytes((long)length), Number(mapping.Pages), Markup.Escape(mapping.Name));
        }

        terminal.Write(mappings);
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
