using Snap.Dumper.Host;
using Snap.Engine.Api;

namespace Snap.Engine;

/// <summary>The tracers that engines of a store before this one left behind: <c>tracers/</c> in the store, or the user's runtime directory where that takes no sockets.</summary>
internal sealed class OrphanedTracers(string storeDirectory)
{
    /// <summary>Where they are.</summary>
    public IReadOnlyList<string> Directories { get; } = SocketPlace.TracerDirectories(storeDirectory);

    /// <summary>The processes that have, or had, one.</summary>
    public IReadOnlyList<(int Pid, ulong StartTime)> Targets()
    {
        var found = new List<(int, ulong)>();
        foreach (string path in Paths("*"))
        {
            if (TracerMeeting.TryParse(Path.GetFileNameWithoutExtension(path), out int pid, out ulong startTime))
                found.Add((pid, startTime));
        }

        return [.. found.Distinct()];
    }

    /// <summary>Those of a process that wait for an engine now. Only to be asked for while no session of ours has a tracer of that process.</summary>
    public IEnumerable<OrphanTracer> Of(int pid, ulong startTime) => Paths(TracerMeeting.Prefix(pid, startTime) + "*").Select(OrphanTracer.Connect).OfType<OrphanTracer>();

    /// <summary>Lets all of them go. Only without an engine; one that comes at this very moment loses nothing but time.</summary>
    /// <returns>How many.</returns>
    public int LetGoAll()
    {
        int count = 0;
        foreach (string path in Paths("*"))
        {
            using OrphanTracer? orphan = OrphanTracer.Connect(path);
            orphan?.LetGo(mayKill: false);
            count += orphan is null ? 0 : 1;
        }

        return count;
    }

    private IReadOnlyList<string> Paths(string pattern) =>
        [.. Directories.Where(Directory.Exists).SelectMany(directory => Directory.GetFiles(directory, pattern + ".sock"))];
}
