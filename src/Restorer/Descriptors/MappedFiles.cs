using System.Globalization;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Syscalls;
using Snap.Restorer.Checks;

namespace Snap.Restorer.Descriptors;

/// <summary>The files that memory is mapped from, executables included: opened, and compared with what they were.</summary>
internal sealed class MappedFiles : IDisposable
{
    private readonly Dictionary<(int File, bool Writable), FileDescriptor> _opened = [];

    public IEnumerable<FileDescriptor> All => _opened.Values;

    /// <summary>The file behind a mapping.</summary>
    public FileDescriptor this[MappingImage mapping] => _opened[(mapping.File!.Value, NeedsWriting(mapping))];

    /// <summary>A process's executable.</summary>
    public FileDescriptor Executable(ProcessImage process) => _opened[(process.Executable, false)];

    public void Open(SnapshotImage image, RestoreOptions options, Obstacles obstacles)
    {
        foreach (ProcessImage process in image.Processes)
        {
            OpenOne(image, process.Executable, writable: false, mustMatch: true, process.Pid, options, obstacles);
            foreach (MappingImage mapping in process.Mappings.Where(mapping => mapping is { Kind: MappingKind.File, File: not null }))
                OpenOne(image, mapping.File!.Value, NeedsWriting(mapping), mustMatch: !mapping.IsShared, process.Pid, options, obstacles);
        }
    }

    public void Dispose()
    {
        foreach (FileDescriptor file in _opened.Values)
            file.Dispose();
    }

    private static bool NeedsWriting(MappingImage mapping) => mapping is { IsShared: true, MayWrite: true };

    private void OpenOne(SnapshotImage image, int index, bool writable, bool mustMatch, int pid, RestoreOptions options, Obstacles obstacles)
    {
        if (_opened.ContainsKey((index, writable)))
            return;
        FileImage recorded = image.Files[index];
        SyscallResult result = FileDescriptor.TryOpen(recorded.Path, (writable ? Fcntl.O_RDWR : Fcntl.O_RDONLY) | Fcntl.O_NONBLOCK | Fcntl.O_NOCTTY, 0,
            out FileDescriptor? file);
        if (file is null)
        {
            obstacles.Add(ErrorCatalogue.FileMissing, $"cannot restore pid {pid}: {recorded.Path}, from which memory is mapped, can't be opened",
                why: result.Errno.ToString(), toDo: "put the file back as it was");
            return;
        }

        _opened.Add((index, writable), file);
        if (mustMatch)
            CheckSame(recorded, file, pid, options.Files, obstacles);
        else
            FileComparison.CheckOpenFile(recorded, file.Stat(), pid, options.Files, obstacles);
    }

    // Pages that the process never wrote come from the file, so its content has to be what it was: told by size and time. A build id tells
    // only what the linker made: a program may have been patched since, so that another time needs the user's word.
    private static void CheckSame(FileImage recorded, FileDescriptor file, int pid, FilesPolicy policy, Obstacles obstacles)
    {
        stat now = file.Stat();
        long modified = FileComparison.ModifiedNanoseconds(now);
        if ((ulong)now.st_size == recorded.Length && modified == recorded.ModifiedNanoseconds)
            return;
        string? buildId = recorded.BuildId is null ? null : BuildId.Read(file);
        if ((ulong)now.st_size == recorded.Length && buildId is not null && buildId == recorded.BuildId)
        {
            if (policy == FilesPolicy.Fail)
                obstacles.Add(ErrorCatalogue.FileDiffers, $"cannot restore pid {pid}: {recorded.Path}, from which memory is mapped, was written again",
                    why: $"it was last written {FileComparison.Time(recorded.ModifiedNanoseconds)}, and now {FileComparison.Time(modified)}; its size and build id are the same",
                    toDo: "if it is the same file, installed or copied again, restore with --files keep");
            return;
        }

        obstacles.Add(ErrorCatalogue.MappedFileChanged, $"cannot restore pid {pid}: {recorded.Path}, from which memory is mapped, has changed",
            why: recorded.BuildId is not null && buildId != recorded.BuildId
                ? $"its build id was {recorded.BuildId}, and is {buildId ?? "none"}"
                : string.Create(CultureInfo.InvariantCulture,
                    $"it had {recorded.Length} bytes, last written {FileComparison.Time(recorded.ModifiedNanoseconds)}, and has {now.st_size}, {FileComparison.Time(modified)}"),
            toDo: "put the file back as it was");
    }
}
