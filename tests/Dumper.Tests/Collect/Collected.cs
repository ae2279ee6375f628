using Snap.Dumper.Collect;
using Snap.Image;
using Snap.Kernel.Injection;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracing;
using Snap.Testing;
using CollectTarget = Snap.Dumper.Collect.Target;

namespace Snap.Dumper.Tests.Collect;

/// <summary>A process collected as the tracer does it, on a thread of its own, and let go again.</summary>
internal sealed record Collected
{
    public required SnapshotImage? Image { get; init; }
    public required IReadOnlyList<SnapException> LiveFindings { get; init; }
    public required IReadOnlyList<SnapException> Findings { get; init; }
    public required IReadOnlyList<MapsEntry> Mappings { get; init; }
    public required IReadOnlyList<SharedObject> SharedObjects { get; init; }
    public required bool HasDirectIo { get; init; }
    public required TimeSpan Pause { get; init; }
    public required ulong Agent { get; init; }

    public ProcessImage Process => Image!.Processes[0];

    /// <summary>Collects once; fails if anything is refused.</summary>
    public static Collected From(int pid)
    {
        Collected collected = Repeatedly(pid, 1)[0];
        Assert.Empty(collected.LiveFindings.Select(finding => finding.Render()));
        Assert.Empty(collected.Findings.Select(finding => finding.Render()));
        return collected;
    }

    /// <summary>Collects several times with one target and collector.</summary>
    public static IReadOnlyList<Collected> Repeatedly(int pid, int times, Action<int>? between = null)
    {
        var all = new List<Collected>();
        TracerThread.Run(() =>
        {
            using CollectTarget target = CollectTarget.OpenOrGone(pid)!;
            using var collector = new StateCollector(target);
            for (int i = 0; i < times; i++)
            {
                all.Add(Once(target, collector));
                between?.Invoke(i);
            }
        });
        return all;
    }

    public static Collected Once(CollectTarget target, StateCollector collector)
    {
        collector.ReadLive();
        IReadOnlyList<SnapException> live = [.. collector.Findings];
        Assert.Equal(FreezeOutcome.Frozen, target.Freezer.Freeze(Deadline.Never).Outcome);
        bool hasThawed = false;
        TimeSpan pause = default;
        try
        {
            using (InjectionSession session = target.Enter())
                collector.CollectFrozen(session);
            pause = target.Freezer.Thaw();
            hasThawed = true;
        }
        finally
        {
            if (!hasThawed)
                target.Freezer.Thaw();
        }

        return new Collected
        {
            Image = collector.Findings.Count == 0 ? collector.Build(new Ids(), TrackerKind.WriteProtect) : null,
            LiveFindings = live,
            Findings = [.. collector.Findings],
            Mappings = [.. collector.FrozenMappings],
            SharedObjects = [.. collector.SharedObjects],
            HasDirectIo = collector.HasDirectIo,
            Pause = pause,
            Agent = target.AgentRange!.Value.Start.Value,
        };
    }

    private sealed class Ids : ISpaceIds
    {
        private readonly Dictionary<(ulong, ulong), SpaceId> _known = [];

        public SpaceId AddressSpace(int pid) => new(1);

        public SpaceId SharedObject(ulong device, ulong inode)
        {
            if (!_known.TryGetValue((device, inode), out SpaceId id))
                _known.Add((device, inode), id = new SpaceId((uint)_known.Count + 2));
            return id;
        }
    }
}
