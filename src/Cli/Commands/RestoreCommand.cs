using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Snap.Cli.Output;
using Snap.Engine;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Restorer;
using Snap.Store;

namespace Snap.Cli.Commands;

/// <summary><c>snap restore REF</c>: brings a snapshot back to life.</summary>
internal static class RestoreCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create(CommonOptions common)
    {
        Argument<string> reference = CommandOptions.Reference();
        var wait = new Option<bool>("--wait") { Description = "Stay until it ends, pass signals on to it, and exit with its exit code" };
        Option<FilesPolicy> files = CommandOptions.Files("If files that it had open have changed since: fail (the default) lists them and stops, keep goes on with them as they are");
        var stdio = new Option<string[]>("--stdio")
        {
            Description = "Bind its descriptor 0, 1 or 2 to a file if it led outside, such as 1=out.log; else to snap's own; may be repeated",
            HelpName = "N=PATH",
            Validators = { CheckBindings },
        };
        var otherBoot = new Option<bool>("--other-boot") { Description = "Restore although the machine was restarted since: its monotonic clock will jump" };
        var command = new Command("restore", "Bring a snapshot back to life as a running process, under the pids it had") { reference, wait, files, stdio, otherBoot };
        command.SetAction(parsed =>
        {
            using var bindings = new StandardBindings(parsed.GetValue(stdio) ?? []);
            // A reader, not an engine: it works beside a watch that writes to the store.
            string directory = common.StoreDirectory(parsed);
            using StoreReader store = StoreReader.Open(directory);
            SnapshotInfo snapshot = store.Resolve(parsed.GetRequiredValue(reference), DateTimeOffset.Now);
            var options = new RestoreOptions { Files = parsed.GetValue(files), Stdio = bindings.Descriptors, AcceptOtherBoot = parsed.GetValue(otherBoot) };
            using RestoredProcess restored = SnapshotRestore.Restore(directory, store, snapshot.Id, options);
            restored.Release();
            bool json = common.WantsJson(parsed);
            foreach (string notice in restored.Notices.Where(_ => !json))
                common.Terminal.Error.WriteLine($"note: {notice}");
            if (!json)
                common.Terminal.Out.WriteLine(restored.Pid.ToString(CultureInfo.InvariantCulture));
            int? exitCode = parsed.GetValue(wait) ? WaitForEnd(restored.Child) : null;
            if (json)
                common.Terminal.Out.WriteLine(CliJson.Text(AsJson(restored, snapshot, exitCode), CliJson.Readable.RestoreJson));
            return exitCode ?? (int)ExitCode.Success;
        });
        return command;
    }

    private static int WaitForEnd(ChildProcess child)
    {
        using var forwarding = new SignalForwarding(child);
        return child.Wait().ShellCode;
    }

    private static RestoreJson AsJson(RestoredProcess restored, SnapshotInfo snapshot, int? exitCode) => new()
    {
        Pid = restored.Pid,
        Id = snapshot.Id.ToString(),
        Name = snapshot.Name,
        Seq = snapshot.Sequence,
        ExitCode = exitCode,
        Notices = restored.Notices,
    };

    private static void CheckBindings(OptionResult result)
    {
        foreach (Token token in result.Tokens)
        {
            if (!StandardBindings.TryParse(token.Value, out _, out _))
                result.AddError($"--stdio takes N=PATH with N 0, 1 or 2, not '{token.Value}'");
        }
    }

    /// <summary>The files of --stdio, opened.</summary>
    private sealed class StandardBindings : IDisposable
    {
        private readonly Dictionary<int, FileDescriptor> _descriptors = [];

        public StandardBindings(IEnumerable<string> bindings)
        {
            foreach (string binding in bindings)
            {
                TryParse(binding, out int number, out string path);
                try
                {
                    FileDescriptor opened = number == 0
                        ? FileDescriptor.Open(path, Fcntl.O_RDONLY) : FileDescriptor.Open(path, Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_APPEND, 0x1B6);
                    if (_descriptors.Remove(number, out FileDescriptor? earlier))
                        earlier.Dispose();
                    _descriptors.Add(number, opened);
                }
                catch (KernelException failed)
                {
                    Dispose();
                    throw new SnapException(ErrorCatalogue.UsageWrong, $"cannot open {path} for --stdio {number}", path, failed.Errno.ToString(), inner: failed);
                }
            }
        }

        public IReadOnlyDictionary<int, FileDescriptor> Descriptors => _descriptors;

        public static bool TryParse(string text, out int number, out string path)
        {
            (number, path) = text is [>= '0' and <= '2', '=', _, ..] ? (text[0] - '0', text[2..]) : (-1, "");
            return number >= 0;
        }

        public void Dispose()
        {
            foreach (FileDescriptor descriptor in _descriptors.Values)
                descriptor.Dispose();
        }
    }
}
