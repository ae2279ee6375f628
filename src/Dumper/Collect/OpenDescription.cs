namespace Snap.Dumper.Collect;

/// <summary>An open file description of a target: the descriptors of one process that share it, and what capturing makes of it.</summary>
/// <remarks>A description that several processes of a tree share has one of these in each; all but the first are aliases (<see cref="Original"/>).</remarks>
internal sealed class OpenDescription(int id, OpenDescriptor first)
{
    /// <summary>Its number in the image; the same for all that are one description.</summary>
    public int Id { get; set; } = id;

    /// <summary>The same description in the first process that has it; null if this is it.</summary>
    public OpenDescription? Original { get; set; }

    /// <summary>The same description in other processes.</summary>
    public List<OpenDescription> Aliases { get; } = [];

    /// <summary>The descriptor with the lowest number.</summary>
    public OpenDescriptor First { get; } = first;

    /// <summary>All descriptors that share it, ascending.</summary>
    public List<OpenDescriptor> Descriptors { get; } = [first];

    /// <summary>What it is to us.</summary>
    public DescriptionClass Class { get; set; }

    /// <summary>For <see cref="DescriptionClass.External"/>: the lowest of 0, 1, 2 that the object is open as.</summary>
    public int StandardNumber { get; set; } = -1;

    /// <summary>F_GETOWN_EX: pid, or tid, or process group; 0 if none.</summary>
    public int OwnerPid { get; set; }

    /// <summary>F_OWNER_*.</summary>
    public int OwnerType { get; set; }

    /// <summary>F_GETSIG.</summary>
    public int OwnerSignal { get; set; }

    /// <summary>Pipe: capacity in bytes. Memfd: seals. External: unread bytes. Else unused.</summary>
    public int Extra { get; set; }
}

/// <summary>What capturing makes of an open file description.</summary>
internal enum DescriptionClass
{
    /// <summary>Can't be captured.</summary>
    Refused,
    /// <summary>Regular file or directory.</summary>
    File,
    /// <summary>null, zero, full, random, urandom.</summary>
    Device,
    /// <summary>Pipe with both ends inside.</summary>
    Pipe,
    /// <summary>memfd.</summary>
    Memfd,
    /// <summary>eventfd.</summary>
    Event,
    /// <summary>epoll.</summary>
    Epoll,
    /// <summary>timerfd.</summary>
    Timer,
    /// <summary>signalfd.</summary>
    SignalQueue,
    /// <summary>Its other end lies outside, and it is open as 0, 1 or 2.</summary>
    External,
}
