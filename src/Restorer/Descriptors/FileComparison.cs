using System.Globalization;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Restorer.Checks;

namespace Snap.Restorer.Descriptors;

/// <summary>Compares a file as it is with what was recorded.</summary>
internal static class FileComparison
{
    private const uint TypeMask = 0xF000, DirectoryType = 0x4000, RegularType = 0x8000;

    /// <summary>For files whose content the process itself may change: a shorter one is refused, any other change only by the policy.</summary>
    public static void CheckOpenFile(FileImage recorded, in stat now, int pid, FilesPolicy policy, Obstacles obstacles)
    {
        if ((now.st_mode & TypeMask) != (recorded.Mode & TypeMask))
        {
            obstacles.Add(ErrorCatalogue.FileMissing, $"cannot restore pid {pid}: {recorded.Path} isn't the kind of file that it was",
                why: string.Create(CultureInfo.InvariantCulture, $"its mode was {Octal(recorded.Mode)}, and is {Octal(now.st_mode)}"));
            return;
        }

        if ((now.st_mode & TypeMask) != RegularType)
            return;
        long modified = ModifiedNanoseconds(now);
        string change = string.Create(CultureInfo.InvariantCulture,
            $"it had {recorded.Length} bytes, last written {Time(recorded.ModifiedNanoseconds)}, and has {now.st_size}, {Time(modified)}");
        if ((ulong)now.st_size < recorded.Length)
            obstacles.Add(ErrorCatalogue.FileMissing, $"cannot restore pid {pid}: {recorded.Path} is shorter than it was", why: change,
                toDo: "put the file back as it was");
        else if (policy == FilesPolicy.Fail && ((ulong)now.st_size != recorded.Length || modified != recorded.ModifiedNanoseconds))
            obstacles.Add(ErrorCatalogue.FileDiffers, $"cannot restore pid {pid}: {recorded.Path}, which it had open, has changed", why: change,
                toDo: "put the file back, or restore with --files keep");
    }

    public static bool IsDirectory(in stat now) => (now.st_mode & TypeMask) == DirectoryType;

    public static long ModifiedNanoseconds(in stat now) => (now.st_mtime_sec * 1_000_000_000) + now.st_mtime_nsec;

    public static string Time(long nanoseconds) =>
        DateTime.UnixEpoch.AddTicks(nanoseconds / 100).ToString("yyyy-MM-dd HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    private static string Octal(uint mode) => Convert.ToString(mode, 8);
}
