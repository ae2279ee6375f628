using System.Globalization;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Host;

/// <summary>Where tracers whose engine ended without a word are found by the next: sockets in a directory of the store's, one a tracer, listening from its start.</summary>
/// <param name="directories">Where sockets may lie; the first that takes one is used. They are made when they are needed, for their owner only.</param>
/// <param name="patience">How long a tracer waits there.</param>
public sealed class TracerMeeting(IReadOnlyList<string> directories, TimeSpan patience)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>How long a tracer waits for the next engine.</summary>
    public TimeSpan Patience => patience;

    /// <summary>The file name's beginning for a process: nobody else's tracer has it.</summary>
    public static string Prefix(int pid, ulong startTime) => string.Create(CultureInfo.InvariantCulture, $"{pid}-{startTime}-");

    /// <summary>The process that a socket's name belongs to.</summary>
    public static bool TryParse(string name, out int pid, out ulong startTime)
    {
        string[] parts = name.Split('-');
        startTime = 0;
        return int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out pid) && parts.Length == 3
            && ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out startTime);
    }

    internal FileDescriptor? TryListen(int pid, out string? path)
    {
        path = null;
        // One whose target is gone already finds that out, and ends.
        if (TaskFiles.OfProcess(pid).ReadStat() is not { } target)
            return null;
        string name = Prefix(pid, target.StartTime) + Convert.ToHexStringLower(Guid.NewGuid().ToByteArray())[..8] + ".sock";
        foreach (string directory in directories)
        {
            try
            {
                Directory.CreateDirectory(directory, OwnerOnly);
                // In /tmp anybody may have made it.
                if (FileDescriptor.TryStat(directory, out stat found, follow: false).IsError || found.st_uid != OwnProcess.EffectiveUser
                    || UnixSocket.TryListen(directory, name, out FileDescriptor? listening).IsError)
                    continue;
                path = Path.Combine(directory, name);
                return listening;
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or KernelException)
            {
                // A full disk, for one; the next may do.
            }
        }

        return null;
    }

    internal static void Remove(string? path)
    {
        try
        {
            if (path is not null)
                File.Delete(path);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // With the whole store.
        }
    }
}
