using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Restorer.Checks;
using Snap.Restorer.Descriptors;

namespace Snap.Restorer.Building;

/// <summary>A restore that has been checked: everything it needs from outside is open in our own process, and no process has been started.</summary>
internal sealed class RestorePlan : IDisposable
{
    private readonly List<string> _notices = [];
    private readonly Dictionary<string, FileDescriptor> _directories = [];

    private RestorePlan(SnapshotImage image, RestoreOptions options, TreeShape shape) => (Image, Options, Shape) = (image, options, shape);

    public SnapshotImage Image { get; }

    public RestoreOptions Options { get; }

    /// <summary>How its processes are made.</summary>
    public TreeShape Shape { get; }

    public MappedFiles Files { get; } = new();

    public SharedObjects Objects { get; } = new();

    public OpenDescriptions Descriptions { get; } = new();

    /// <summary>What will differ from the original, one sentence each.</summary>
    public List<string> Notices => _notices;

    /// <summary>Registrations of shared epoll sets that a process has made already: set and index.</summary>
    public HashSet<(int Epoll, int Index)> Registered { get; } = [];

    /// <summary>Shared descriptions whose owner a process has set already.</summary>
    public HashSet<int> Owned { get; } = [];

    public FileDescriptor WorkingDirectory(ProcessImage process) => _directories[process.WorkingDirectory];

    /// <summary>Looks at everything, and says all that is wrong at once.</summary>
    /// <exception cref="SnapException">S06xx, with <see cref="SnapException.Others"/>; nothing was changed.</exception>
    public static RestorePlan Make(SnapshotImage image, RestoreOptions options)
    {
        var obstacles = new Obstacles();
        TreeShape? shape = ImageCheck.Run(image, obstacles);
        // An image that we don't understand isn't looked at any further.
        obstacles.ThrowIfAny();
        HostCheck.Run(image, options, obstacles);
        IdentityCheck.Run(image, shape!, obstacles);
        RightsCheck.Run(image, obstacles);
        var plan = new RestorePlan(image, options, shape!);
        try
        {
            plan.OpenDirectories(obstacles);
            plan.Files.Open(image, options, obstacles);
            plan.Objects.Create(image, obstacles);
            plan.Descriptions.Open(image, options, plan.Objects, obstacles);
            obstacles.ThrowIfAny();
            return plan;
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Descriptions.Dispose();
        Objects.Dispose();
        Files.Dispose();
        foreach (FileDescriptor directory in _directories.Values)
            directory.Dispose();
    }

    private void OpenDirectories(Obstacles obstacles)
    {
        foreach (ProcessImage process in Image.Processes)
        {
            if (_directories.ContainsKey(process.WorkingDirectory))
                continue;
            Errno errno = FileDescriptor.TryOpen(process.WorkingDirectory, Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0, out FileDescriptor? directory).Errno;
            if (directory is null)
                obstacles.Add(ErrorCatalogue.FileMissing, $"cannot restore pid {process.Pid}: its working directory {process.WorkingDirectory} can't be entered",
                    why: errno.ToString(), toDo: "make the directory again");
            else
                _directories.Add(process.WorkingDirectory, directory);
        }
    }
}
