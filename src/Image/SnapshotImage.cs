namespace Snap.Image;

/// <summary>What a snapshot is, but for the contents of pages: every process, thread, mapping, descriptor and kernel object of a tree.</summary>
/// <remarks>Stored as JSON by <see cref="ImageCodec"/>; docs/format.md lists every field. Pages live in the store, by <see cref="SpaceImage.Id"/>.</remarks>
public sealed record SnapshotImage
{
    /// <summary>Version of this record's shape that the writer knew.</summary>
    public required int Version { get; init; }

    /// <summary>Features a reader must understand to restore it rightly; one unknown name and it refuses.</summary>
    public IReadOnlyList<string> Requires { get; init; } = [];

    /// <summary>The machine it was taken on.</summary>
    public required HostImage Host { get; init; }

    /// <summary>Which tracker found the dirty pages.</summary>
    public required TrackerKind Tracker { get; init; }

    /// <summary>Processes, the root of the tree first, parents before children.</summary>
    public required IReadOnlyList<ProcessImage> Processes { get; init; }

    /// <summary>Processes of the tree that have ended and were not waited for yet.</summary>
    public IReadOnlyList<ZombieImage> Zombies { get; init; } = [];

    /// <summary>Every space of pages that the processes refer to.</summary>
    public required IReadOnlyList<SpaceImage> Spaces { get; init; }

    /// <summary>Open file descriptions; descriptors of the processes refer to them, so what dup(2) or fork(2) shared is shared again.</summary>
    public required IReadOnlyList<DescriptionImage> Descriptions { get; init; }

    /// <summary>Files that mappings, executables and descriptors name, each once.</summary>
    public required IReadOnlyList<FileImage> Files { get; init; }

    /// <summary>Pipes with both ends inside the tree.</summary>
    public IReadOnlyList<PipeImage> Pipes { get; init; } = [];

    /// <summary>What could not be kept and what follows from it (unread bytes of an outside pipe, …), one sentence each.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];
}
