using System.Globalization;
using Snap.Image;

namespace Snap.Store;

/// <summary>Finds what a reference means among the snapshots of one moment.</summary>
internal sealed class ReferenceResolver(IReadOnlyList<SnapshotInfo> snapshots, IReadOnlyList<TagInfo> tags)
{
    private const string Grammar =
        "use an id's first digits, NAME, NAME~3 (third parent), NAME@10s (ago), NAME@2026-11-22T21:00:05Z, a tag, or latest";

    public SnapshotInfo Resolve(string reference, DateTimeOffset now)
    {
        int tilde = reference.LastIndexOf('~');
        if (tilde >= 0)
            return Parent(Resolve(reference[..tilde], now), reference, reference[(tilde + 1)..]);
        int at = reference.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0)
            return AtMoment(reference, reference[..at], reference[(at + 1)..], now);
        if (snapshots.Count == 0)
            throw StoreErrors.NoSnapshot(reference, "the store holds no snapshots");
        return Named(reference);
    }

    private SnapshotInfo Named(string reference)
    {
        if (reference == "latest")
            return snapshots[^1];
        SnapshotInfo? newest = OfName(reference).MaxBy(snapshot => snapshot.Sequence);
        SnapshotInfo? tagged = tags.Where(tag => tag.Tag == reference).Select(tag => Find(tag.Id)).FirstOrDefault();
        if (newest is not null && tagged is not null && newest.Id != tagged.Id)
            throw Ambiguous(reference, [newest, tagged], "it is a name and a tag");
        if ((tagged ?? newest) is { } found)
            return found;
        if (reference.Length is > 0 and <= 32 && reference.All(char.IsAsciiHexDigit))
        {
            string prefix = reference.ToLowerInvariant();
            SnapshotInfo[] fitting = [.. snapshots.Where(snapshot => snapshot.Id.ToString().StartsWith(prefix, StringComparison.Ordinal))];
            return fitting.Length switch
            {
                1 => fitting[0],
                0 => throw StoreErrors.NoSnapshot(reference, "no id begins with it"),
                _ => throw Ambiguous(reference, fitting, $"{fitting.Length} ids begin with it"),
            };
        }
        if (!Names.IsValid(reference))
            throw Invalid(reference, "it is neither a name nor hex digits");
        string[] names = [.. snapshots.Select(snapshot => snapshot.Name).Distinct().Order(StringComparer.Ordinal)];
        throw StoreErrors.NoSnapshot(reference, $"no name, tag or id fits; names are: {string.Join(", ", names.Take(20))}");
    }

    private SnapshotInfo Parent(SnapshotInfo from, string reference, string steps)
    {
        if (!uint.TryParse(steps.Length == 0 ? "1" : steps, NumberStyles.None, CultureInfo.InvariantCulture, out uint count))
            throw Invalid(reference, "a number of parents has to follow '~'");
        SnapshotInfo current = from;
        for (uint step = 1; step <= count; step++)
        {
            if (current.IsFull)
                throw StoreErrors.NoSnapshot(reference, $"{current} is full and has no parent; it is reached after {step - 1} steps");
            current = Find(current.Parent)
                ?? throw StoreErrors.NoSnapshot(reference, $"the parent of {current}, {current.Parent.Short}, was deleted; it is {step} steps away");
        }
        return current;
    }

    private SnapshotInfo AtMoment(string reference, string name, string moment, DateTimeOffset now)
    {
        if (name.Length == 0 || (!Names.IsValid(name) && name != "latest"))
            throw Invalid(reference, "a name has to stand before '@'");
        DateTimeOffset time = Moment(reference, moment, now);
        SnapshotInfo[] candidates = [.. name == "latest" ? snapshots : OfName(name)];
        if (candidates.Length == 0)
            throw StoreErrors.NoSnapshot(reference, $"nothing is named {name}");
        SnapshotInfo? found = candidates.Where(snapshot => snapshot.Time <= time).MaxBy(snapshot => (snapshot.Time, snapshot.Sequence));
        SnapshotInfo first = candidates.MinBy(snapshot => snapshot.Time)!;
        return found ?? throw new SnapException(ErrorCatalogue.BeforeFirstSnapshot,
            $"{name} has no snapshot as old as {time.ToLocalTime():yyyy-MM-dd HH:mm:ss.fff zzz}", why: $"the first, {first}, is of {first.Time.ToLocalTime():yyyy-MM-dd HH:mm:ss.fff zzz}",
            toDo: $"take a later moment, or {first.Id.Short}");
    }

    private static DateTimeOffset Moment(string reference, string text, DateTimeOffset now)
    {
        if (Durations.TryParse(text, out TimeSpan ago))
            return ago <= now - DateTimeOffset.MinValue ? now - ago : DateTimeOffset.MinValue;
        if (text.Length > 0 && char.IsAsciiDigit(text[0])
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTimeOffset time))
            return time;
        throw Invalid(reference, "behind '@' has to be a duration like 10s, or a time like 2026-11-22T21:00:05Z");
    }

    private IEnumerable<SnapshotInfo> OfName(string name) => snapshots.Where(snapshot => snapshot.Name == name);

    private SnapshotInfo? Find(SnapshotId id) => snapshots.FirstOrDefault(snapshot => snapshot.Id == id);

    private static SnapException Ambiguous(string reference, IEnumerable<SnapshotInfo> fitting, string why) =>
        new(ErrorCatalogue.ReferenceAmbiguous, $"'{reference}' fits several snapshots", why: $"{why}: {string.Join(", ", fitting.Take(8))}",
            toDo: "give more digits of the id");

    private static SnapException Invalid(string reference, string why) =>
        new(ErrorCatalogue.ReferenceInvalid, $"the reference '{reference}' can't be understood", why: why, toDo: Grammar);
}
