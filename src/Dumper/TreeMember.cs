using Snap.Dumper.Collect;
using Snap.Dumper.Pages;
using Snap.Image;
using Snap.Kernel.Procfs;

namespace Snap.Dumper;

/// <summary>One process of a tree, with all that is kept of it from one checkpoint to the next.</summary>
internal sealed class TreeMember : IDisposable
{
    private int _armedAtExec;

    /// <summary>Takes charge of an opened process.</summary>
    public TreeMember(Target target, TreeCollector tree) => (Target, Collector) = (target, new StateCollector(target, tree));

    public Target Target { get; }

    public StateCollector Collector { get; }

    /// <summary>The space of its private pages; null before anything tracked them.</summary>
    public SpaceId? Space { get; private set; }

    /// <summary>Its private pages; null while nothing tracks them.</summary>
    public ProcessPages? Pages { get; private set; }

    /// <summary>Its tracker finds and clears what is dirty while it runs.</summary>
    public bool HasLivePasses { get; private set; }

    /// <summary>It was looked at while it ran, or, found in a freeze, in that.</summary>
    public bool IsKnown { get; set; }

    /// <summary>The reader hasn't been told yet that all pages of the space come anew.</summary>
    public bool NeedsAnnouncement { get; set; }

    /// <summary>Nothing tracks its memory as it is now: it is new, or called exec since. Valid once it was entered in this freeze.</summary>
    public bool NeedsTracker => Pages is null || Target.Execs != _armedAtExec;

    /// <summary>True if <paramref name="entry"/> is this very process and not another that got its pid.</summary>
    public bool Is(ProcStat entry) => entry.Pid == Target.Pid && entry.StartTime == Target.StartTime;

    /// <summary>Has its memory, as it is now, looked after by <paramref name="tracker"/>.</summary>
    public void Track(SpaceId space, IDirtyTracker tracker)
    {
        Space = space;
        Pages?.Dispose();
        Pages = new ProcessPages(space, Target.Memory, tracker);
        HasLivePasses = tracker.HasLivePasses;
        _armedAtExec = Target.Execs;
    }

    /// <summary>What was known of its pages holds no more.</summary>
    public void Disarm()
    {
        Pages?.Dispose();
        Pages = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Pages?.Dispose();
        Collector.Dispose();
        Target.Dispose();
    }
}
