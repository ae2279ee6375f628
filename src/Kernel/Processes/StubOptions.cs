using Snap.Kernel.Files;
using Snap.Kernel.Memory;

namespace Snap.Kernel.Processes;

/// <summary>What a <see cref="StubProcess"/> starts with.</summary>
public sealed record StubOptions
{
    /// <summary>The pid it shall have.</summary>
    public required int Pid { get; init; }

    /// <summary>Where its memory shall lie: one page of code from a file, then anonymous memory. A multiple of the page size.</summary>
    public required RemoteRange Memory { get; init; }

    /// <summary>Its descriptors, by number; all below <see cref="FirstFree"/>. Not close-on-exec.</summary>
    public required IReadOnlyList<(int Number, FileDescriptor Source)> Descriptors { get; init; }

    /// <summary>Descriptors it inherits under their own number, each at or above <see cref="FirstFree"/>. Not close-on-exec.</summary>
    public required IReadOnlyList<FileDescriptor> Inherited { get; init; }

    /// <summary>Nothing else of ours is inherited: what is below this number is closed first, what is above at exec.</summary>
    public required int FirstFree { get; init; }
}
