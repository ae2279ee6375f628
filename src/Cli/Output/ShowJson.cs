namespace Snap.Cli.Output;

/// <summary>What show prints: a snapshot, taken apart for people and scripts.</summary>
internal sealed record ShowJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>As log prints it.</summary>
    public required SnapshotJson Snapshot { get; init; }
    /// <summary>Tags that pin it.</summary>
    public required IReadOnlyList<string> Tags { get; init; }
    /// <summary>Kernel it was taken on.</summary>
    public required string Kernel { get; init; }
    /// <summary>Pages that its spaces hold, zeros included.</summary>
    public required long Pages { get; init; }
    /// <summary>Processes, the root first.</summary>
    public required IReadOnlyList<ShowProcessJson> Processes { get; init; }
    /// <summary>Processes that had ended and were not waited for.</summary>
    public required IReadOnlyList<ShowZombieJson> Zombies { get; init; }
    /// <summary>Files that memory or descriptors name.</summary>
    public required IReadOnlyList<ShowFileJson> Files { get; init; }
    /// <summary>What could not be kept.</summary>
    public required IReadOnlyList<string> Notices { get; init; }
}

/// <summary>One process.</summary>
internal sealed record ShowProcessJson
{
    /// <summary>Its pid.</summary>
    public required int Pid { get; init; }
    /// <summary>Its parent's.</summary>
    public required int ParentPid { get; init; }
    /// <summary>Arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }
    /// <summary>Path of the executable.</summary>
    public required string Executable { get; init; }
    /// <summary>Working directory.</summary>
    public required string WorkingDirectory { get; init; }
    /// <summary>Effective user id.</summary>
    public required uint UserId { get; init; }
    /// <summary>Threads, the leader first.</summary>
    public required IReadOnlyList<ShowThreadJson> Threads { get; init; }
    /// <summary>Mappings, ascending.</summary>
    public required IReadOnlyList<ShowMappingJson> Mappings { get; init; }
    /// <summary>Descriptors, ascending.</summary>
    public required IReadOnlyList<ShowDescriptorJson> Descriptors { get; init; }
}

/// <summary>One process that had ended.</summary>
internal sealed record ShowZombieJson
{
    /// <summary>Its pid.</summary>
    public required int Pid { get; init; }
    /// <summary>Its parent's.</summary>
    public required int ParentPid { get; init; }
    /// <summary>Its name.</summary>
    public required string Name { get; init; }
    /// <summary>As wait(2) gives it.</summary>
    public required int Status { get; init; }
}

/// <summary>One thread.</summary>
internal sealed record ShowThreadJson
{
    /// <summary>Thread id.</summary>
    public required int Tid { get; init; }
    /// <summary>Its name.</summary>
    public required string Name { get; init; }
    /// <summary>rip, in hex.</summary>
    public required string InstructionPointer { get; init; }
    /// <summary>rsp, in hex.</summary>
    public required string StackPointer { get; init; }
    /// <summary>The system call it was in, by number; null if none.</summary>
    public required long? Syscall { get; init; }
    /// <summary>Blocked signals in hex, bit n-1 = signal n.</summary>
    public required string BlockedSignals { get; init; }
    /// <summary>Signals waiting for it alone.</summary>
    public required int PendingSignals { get; init; }
}

/// <summary>One mapping.</summary>
internal sealed record ShowMappingJson
{
    /// <summary>First byte, in hex.</summary>
    public required string Start { get; init; }
    /// <summary>Byte after the last, in hex.</summary>
    public required string End { get; init; }
    /// <summary>rwx and p or s.</summary>
    public required string Access { get; init; }
    /// <summary>What backs it.</summary>
    public required string Kind { get; init; }
    /// <summary>File, name of the memory, or "".</summary>
    public required string Name { get; init; }
    /// <summary>Offset in the file, bytes.</summary>
    public required ulong Offset { get; init; }
    /// <summary>Pages in the snapshot that are the process's own.</summary>
    public required long Pages { get; init; }
}

/// <summary>One descriptor.</summary>
internal sealed record ShowDescriptorJson
{
    /// <summary>Its number.</summary>
    public required int Fd { get; init; }
    /// <summary>file, device, pipe, memfd, eventfd, epoll, timerfd, signalfd, external.</summary>
    public required string Kind { get; init; }
    /// <summary>A path, or what else tells it.</summary>
    public required string Target { get; init; }
    /// <summary>Access: r, w or rw.</summary>
    public required string Access { get; init; }
    /// <summary>Offset in the file, bytes; null where there is none.</summary>
    public required long? Position { get; init; }
    /// <summary>FD_CLOEXEC.</summary>
    public required bool CloseOnExec { get; init; }
}

/// <summary>One file.</summary>
internal sealed record ShowFileJson
{
    /// <summary>Its path.</summary>
    public required string Path { get; init; }
    /// <summary>Bytes it had.</summary>
    public required ulong Length { get; init; }
    /// <summary>When it was last written.</summary>
    public required DateTimeOffset Modified { get; init; }
    /// <summary>GNU build id.</summary>
    public required string? BuildId { get; init; }
    /// <summary>It is mapped.</summary>
    public required bool Mapped { get; init; }
}
