using Snap.Dumper.Collect;

namespace Snap.Dumper.Preflight;

/// <summary>What looks at a running process have learned, kept for the next look and for the pause.</summary>
internal sealed class LiveView(int pid) : IDisposable
{
    /// <summary>The process.</summary>
    public int Pid => pid;

    /// <summary>Its threads were looked at one by one; the frozen look does so again, at less cost.</summary>
    public bool HasSeenThreads { get; set; }

    /// <summary>When it started, by the last look; 0 before.</summary>
    public ulong StartTime { get; set; }

    /// <summary>It stands still, traced by us.</summary>
    public bool IsFrozen { get; set; }

    /// <summary>smaps.</summary>
    public MappingFlags Flags { get; } = new();

    /// <summary>Files found by their paths.</summary>
    public FileReach Reach { get; } = new();

    /// <summary>Its descriptors at the last look.</summary>
    public DescriptorTable Descriptors { get; } = new(pid);

    /// <inheritdoc/>
    public void Dispose() => Descriptors.Dispose();
}
