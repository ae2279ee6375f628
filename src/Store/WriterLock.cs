// The lock file: byte 0 is locked by the writer, byte 1 while the catalog holds every acknowledged commit (readers then need not look for
// more). Its content names the holder: "pid\ncommand\n". Locks belong to the open file and end with the process; the text may be stale.
using System.Globalization;
using System.Text;
using Snap.Image;
using Snap.Store.Disk;

namespace Snap.Store;

/// <summary>The exclusive right to write a store.</summary>
internal sealed class WriterLock : IDisposable
{
    public const string Path = "lock";
    private readonly IDiskFile _file;

    private WriterLock(IDiskFile file) => _file = file;

    /// <exception cref="SnapException">Another process holds it; the message names that process.</exception>
    public static WriterLock Take(IDisk disk, string? holderName)
    {
        IDiskFile file = disk.OpenOrNull(Path, forWriting: true)
            ?? throw StoreErrors.Damaged(disk.Describe(Path), null, "the lock file is missing");
        try
        {
            if (!file.TryLock(0, 1, exclusive: true))
                throw Busy(disk, file);
            WriteHolder(file, holderName);
            return new WriterLock(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>True if a writer holds the store whose catalog is complete.</summary>
    public static bool IsCatalogComplete(IDisk disk)
    {
        using IDiskFile? file = disk.OpenOrNull(Path, forWriting: false);
        return file?.IsLockedByOthers(1, 1) ?? false;
    }

    /// <summary>Tells readers whether the catalog holds every acknowledged commit.</summary>
    public void SetCatalogComplete(bool isComplete)
    {
        if (isComplete)
            Invariant.Holds(_file.TryLock(1, 1, exclusive: true));
        else
            _file.Unlock(1, 1);
    }

    public void Dispose() => _file.Dispose();

    private static void WriteHolder(IDiskFile file, string? holderName)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n{holderName ?? CommandLine()}\n");
        byte[] content = Encoding.UTF8.GetBytes(text);
        try
        {
            file.Write(content, 0);
            file.Truncate(content.Length);
        }
        catch (SnapException)
        {
            // The lock is what counts; a full disk must not keep gc out. Others then read a stale name.
        }
    }

    private static SnapException Busy(IDisk disk, IDiskFile file)
    {
        byte[] content = new byte[4096];
        string[] lines = Encoding.UTF8.GetString(content, 0, file.Read(content, 0)).Split('\n', 3);
        string holder = lines.Length < 2 ? "another process" : $"pid {lines[0]} ({lines[1]})";
        return new SnapException(ErrorCatalogue.StoreBusy, $"the store is being written by {holder}", disk.Describe(""),
            "a store has one writer at a time", "wait until it is done, or use another store with --store");
    }

    private static string CommandLine() => string.Join(' ', Environment.GetCommandLineArgs()).ReplaceLineEndings(" ");
}
