using Snap.Image;

namespace Snap.Store.Tests.Model;

/// <summary>Random snapshots of several names and spaces, and what each must hold. One seed gives one history.</summary>
internal sealed class RandomHistory(int seed, int pagesPerSnapshot = 40)
{
    private static readonly string[] _names = ["alpha", "beta", "gamma_1"];
    private readonly Random _random = new(seed);
    private readonly List<byte[]> _seen = [];
    private int _clock;

    /// <summary>Acknowledged snapshots.</summary>
    public Dictionary<SnapshotId, ModelSnapshot> Committed { get; } = [];

    /// <summary>What every snapshot ever acknowledged holds, dropped ones included.</summary>
    public Dictionary<SnapshotId, ModelSnapshot> Models { get; } = [];

    public Dictionary<string, SnapshotId> Latest { get; } = [];

    public Random Random => _random;

    /// <summary>One snapshot, committed or, now and then, abandoned. What is thrown leaves the history as it was.</summary>
    /// <param name="writer">The store.</param>
    /// <param name="beforeCommit">Called when everything was given; the store may do other things meanwhile.</param>
    public void Step(StoreWriter writer, Action? beforeCommit = null)
    {
        string name = _names[_random.Next(_names.Length)];
        SnapshotId parent = PickParent(name);
        ModelSnapshot model = parent == SnapshotId.None ? new ModelSnapshot() : Committed[parent].Copy();
        (model.Name, model.Parent) = (name, parent);
        using SnapshotBuilder builder = writer.Begin(name, parent);
        for (int left = _random.Next(1, 12); left > 0; left--)
            Change(builder, model);
        beforeCommit?.Invoke();
        if (_random.Next(10) == 0)
            return;
        model.Image = RandomBytes(_random.Next(0, 3000), _random.Next(2) == 0);
        model.Facts = RandomBytes(_random.Next(0, 60), false);
        var time = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(_clock++);
        SnapshotInfo info = builder.Commit(new SnapshotHeader(name, time) { Facts = model.Facts }, model.Image);
        Committed.Add(info.Id, model);
        Models.Add(info.Id, model);
        Latest[name] = info.Id;
    }

    /// <summary>Checks every acknowledged snapshot; others may be there too, if <paramref name="allowOthers"/>.</summary>
    public void AssertAll(StoreReader reader, bool allowOthers = false)
    {
        if (!allowOthers)
            Assert.Equal(Committed.Count, reader.Snapshots.Count);
        foreach ((SnapshotId id, ModelSnapshot model) in Committed)
        {
            using SnapshotContent content = reader.OpenSnapshot(id);
            model.AssertEqual(content);
        }
    }

    /// <summary>A collection with a random policy; what it drops is no longer expected.</summary>
    public GarbageReport Collect(StoreWriter writer, bool allowProblems = false)
    {
        if (_random.Next(3) == 0 && Committed.Count > 0)
            writer.Tag(Committed.Keys.ElementAt(_random.Next(Committed.Count)), _random.Next(2) == 0 ? "t1" : "t2");
        var policy = new RetentionPolicy { KeepLast = _random.Next(1, 4), KeepEvery = [new KeepEvery(TimeSpan.FromSeconds(_random.Next(2, 20)), null)] };
        GarbageReport report = writer.CollectGarbage(new GarbageOptions { Policy = policy });
        Assert.True(allowProblems || report.Problems.Count == 0, string.Join('\n', report.Problems));
        foreach (RetentionDecision decision in report.Decisions.Where(decision => !decision.IsKept))
            Committed.Remove(decision.Snapshot.Id);
        return report;
    }

    /// <summary>Deletes a snapshot that nothing pins, if there is one.</summary>
    public void Remove(StoreWriter writer)
    {
        IReadOnlyList<TagInfo> tags = writer.Reader.Tags;
        SnapshotId[] free = [.. Committed.Keys.Where(id => tags.All(tag => tag.Id != id))];
        if (free.Length < 2)
            return;
        SnapshotId victim = free[_random.Next(free.Length)];
        writer.Remove([victim]);
        Committed.Remove(victim);
    }

    private SnapshotId PickParent(string name)
    {
        int dice = _random.Next(20);
        if (dice == 0 || Committed.Count == 0)
            return SnapshotId.None;
        if (dice <= 3)
            return Committed.Keys.ElementAt(_random.Next(Committed.Count));
        return Latest.TryGetValue(name, out SnapshotId latest) && Committed.ContainsKey(latest) ? latest : SnapshotId.None;
    }

    private void Change(SnapshotBuilder builder, ModelSnapshot model)
    {
        uint space = (uint)_random.Next(1, 4);
        ulong first = (ulong)_random.Next(200) + (_random.Next(5) == 0 ? 0x7fff_ffff_0ul : 0);
        int count = _random.Next(1, pagesPerSnapshot);
        SortedDictionary<ulong, byte[]?> pages = model.Spaces.TryGetValue(space, out SortedDictionary<ulong, byte[]?>? there) ? there : [];
        switch (_random.Next(12))
        {
            case 0:
                builder.RemoveSpace(new SpaceId(space));
                model.Spaces.Remove(space);
                return;
            case 1:
                builder.Zero(new SpaceId(space), new PageRange(first, (ulong)count));
                for (int i = 0; i < count; i++)
                    pages[first + (ulong)i] = null;
                break;
            case 2:
                builder.Drop(new SpaceId(space), new PageRange(first, (ulong)count));
                for (int i = 0; i < count; i++)
                    pages.Remove(first + (ulong)i);
                break;
            default:
                byte[] bytes = new byte[count * PageRange.PageSize];
                for (int i = 0; i < count; i++)
                {
                    byte[] page = NextPage(pages.GetValueOrDefault(first + (ulong)i));
                    page.CopyTo(bytes.AsSpan(i * PageRange.PageSize));
                    pages[first + (ulong)i] = page.AsSpan().ContainsAnyExcept((byte)0) ? page : null;
                }
                builder.Put(new SpaceId(space), first, bytes);
                break;
        }
        model.Spaces[space] = pages;
    }

    /// <summary>A page: new, equal to one seen before, zero, or a small change to what was there.</summary>
    private byte[] NextPage(byte[]? before)
    {
        byte[] page;
        switch (_random.Next(8))
        {
            case 0:
                return new byte[PageRange.PageSize];
            case 1 when _seen.Count > 0:
                return _seen[_random.Next(_seen.Count)];
            case 2 when before is not null:
                return before;
            case 3:
                page = RandomBytes(PageRange.PageSize, false);
                break;
            case < 6 when before is not null:
                page = (byte[])before.Clone();
                for (int changes = _random.Next(1, 6); changes > 0; changes--)
                    page[_random.Next(page.Length)] = (byte)_random.Next(256);
                break;
            default:
                page = RandomBytes(PageRange.PageSize, true);
                break;
        }
        if (_seen.Count < 200)
            _seen.Add(page);
        return page;
    }

    private byte[] RandomBytes(int length, bool compressible)
    {
        byte[] bytes = new byte[length];
        _random.NextBytes(bytes);
        if (compressible)
        {
            for (int i = 0; i < length; i++)
                bytes[i] = (byte)(i % 7 == 0 ? bytes[i] & 15 : i / 16);
        }
        return bytes;
    }
}
