using System.Globalization;
using Snap.Image;
using Snap.Kernel.Procfs;
using Snap.Store;

namespace Snap.Engine;

/// <summary>The chain that snapshots of a process go to, and the snapshot that the next one is an increment of.</summary>
/// <param name="Name">The chain's name.</param>
/// <param name="Parent">Null: the next snapshot is the first of this process.</param>
internal sealed record ChainChoice(string Name, SnapshotInfo? Parent)
{
    /// <summary>Chooses by what the store and the records of restores say of the process.</summary>
    /// <param name="reader">The store.</param>
    /// <param name="restored">Records of restores.</param>
    /// <param name="target">The process.</param>
    /// <param name="wanted">The name that the user wants; null for the one in use for this process, or else its command's.</param>
    /// <exception cref="SnapException">S0514: the name's grammar. S0704: it is in use for another process that lives.</exception>
    public static ChainChoice Make(StoreReader reader, RestoredRecords restored, TargetIdentity target, string? wanted)
    {
        if (wanted is not null)
            Names.Check(wanted);
        IReadOnlyList<SnapshotInfo> all = reader.Snapshots;
        // Only the newest snapshot of each name is looked into: a store may hold thousands.
        var newest = new Dictionary<string, SnapshotInfo>();
        foreach (SnapshotInfo snapshot in all)
            newest[snapshot.Name] = snapshot;
        SnapshotInfo? parent = NewestOf(newest.Values, target, wanted);
        if (parent is null && restored.Find(target) is { } source)
            parent = all.FirstOrDefault(snapshot => snapshot.Id == source);

        string name = wanted ?? parent?.Name ?? NameOfCommand(target.Pid);
        if (OtherOwner(newest, name, target) is not { } owner)
            return new ChainChoice(name, parent);
        // Several live copies of one snapshot, or several programs of one name: each gets a chain of its own.
        if (wanted is null)
            return new ChainChoice(name, parent).ForPid(target.Pid);
        throw new SnapException(ErrorCatalogue.NameInUse, $"the name {wanted} belongs to another process that is still running",
            $"pid {owner.Pid}", why: "one name is one process's history", toDo: "choose another with --name");
    }

    /// <summary>The same under a name that another process can't have.</summary>
    public ChainChoice ForPid(int pid) => this with { Name = string.Create(CultureInfo.InvariantCulture, $"{Name}-{pid}") };

    /// <summary>The newest snapshot of a process, of the wanted name if there is one.</summary>
    internal static SnapshotInfo? NewestOf(IEnumerable<SnapshotInfo> newestOfNames, TargetIdentity target, string? wanted = null) => newestOfNames
        .Where(snapshot => TargetIdentity.Of(SnapshotFacts.Of(snapshot)) == target)
        .OrderBy(snapshot => snapshot.Name == wanted).ThenBy(snapshot => snapshot.Time).LastOrDefault();

    private static TargetIdentity? OtherOwner(Dictionary<string, SnapshotInfo> newest, string name, TargetIdentity target)
    {
        if (!newest.TryGetValue(name, out SnapshotInfo? last))
            return null;
        TargetIdentity owner = TargetIdentity.Of(SnapshotFacts.Of(last));
        return owner != target && owner.IsAlive ? owner : null;
    }

    /// <summary>The command's name, made to fit the grammar of names.</summary>
    internal static string NameOfCommand(int pid) => Sanitised(TaskFiles.OfProcess(pid).ReadCommand() ?? "", pid);

    internal static string Sanitised(string command, int pid)
    {
        string name = string.Concat(command.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '_')).TrimEnd('_');
        // A digit in front, hex digits only, and "latest" mean something else; a name of nothing but signs says nothing.
        return name.Length == 0 ? string.Create(CultureInfo.InvariantCulture, $"pid-{pid}") : Names.IsValid(name) ? name : "_" + name;
    }
}
