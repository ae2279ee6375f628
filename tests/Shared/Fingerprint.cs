using System.Globalization;
using Snap.Kernel.Abi;
using Snap.Kernel.Procfs;

namespace Snap.Testing;

/// <summary>What must be the same of a target before and after a checkpoint: mappings, descriptors, signal state, threads, and that nobody traces or stops it.</summary>
/// <remarks>
/// Meant for a target that stands still meanwhile (sleeper). Left out: Snap's own mapping, which is documented to stay (one, however often a target was
/// captured); neighbours that differ only in being two mappings, since tracking may leave them unmerged.
/// </remarks>
public sealed class Fingerprint
{
    private readonly SortedDictionary<string, string> _facts = new(StringComparer.Ordinal);

    private Fingerprint()
    {
    }

    /// <summary>Takes one of a live process.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="ours">Start and end of what the checkpoint is known to leave in it, where the kernel can't name it; it may be merged with a neighbour.</param>
    public static Fingerprint Of(int pid, (ulong Start, ulong End) ours = default)
    {
        var taken = new Fingerprint();
        TaskFiles process = TaskFiles.OfProcess(pid);
        taken.AddMappings([.. (process.ReadMaps() ?? throw Gone(pid)).SelectMany(entry => WithoutOurs(entry, ours))]);
        foreach (int number in process.ListDescriptors() ?? throw Gone(pid))
        {
            DescriptorInfo? info = process.ReadDescriptorInfo(number);
            taken._facts[$"descriptor {number}"] = $"{process.ReadDescriptorTarget(number)} position {info?.Position} flags {info?.Flags:x}";
        }

        foreach (int tid in process.ListThreads() ?? throw Gone(pid))
            taken.AddThread(tid, TaskFiles.OfThread(pid, tid).ReadStatus() ?? throw Gone(tid));
        taken._facts["working directory"] = process.ReadWorkingDirectory()?.ToString() ?? "";
        taken._facts["executable"] = process.ReadExecutable()?.ToString() ?? "";
        taken._facts["limits"] = string.Join(", ", (process.ReadLimits() ?? []).Select(limit => limit.ToString()));
        return taken;
    }

    /// <summary>Takes one of a program of tests/Programs that is idle: it has written its last answer, closed that file, and sleeps before it looks for a command.</summary>
    public static Fingerprint OfIdle(Target target)
    {
        Patience.Until(() => TaskFiles.OfProcess(target.Pid).ReadBlockedCall() is { Number: (long)SyscallNumber.clock_nanosleep }, () => $"{target} to be idle");
        return Of(target.Pid);
    }

    /// <summary>What differs, a line each; empty if nothing does.</summary>
    public static IReadOnlyList<string> Differences(Fingerprint before, Fingerprint after)
    {
        var found = new List<string>();
        foreach (string key in before._facts.Keys.Union(after._facts.Keys))
        {
            string was = before._facts.GetValueOrDefault(key, "(none)"), now = after._facts.GetValueOrDefault(key, "(none)");
            if (was != now)
                found.Add($"{key}: was {was}, is {now}");
        }

        return found;
    }

    /// <summary>Whether nobody traces or stops it, any of its threads: what must hold of every target at any time but in a pause.</summary>
    /// <returns>What is wrong; empty if all is well.</returns>
    public static IReadOnlyList<string> FindHarm(int pid)
    {
        var found = new List<string>();
        foreach (int tid in TaskFiles.OfProcess(pid).ListThreads() ?? throw Gone(pid))
        {
            if (TaskFiles.OfThread(pid, tid).ReadStatus() is not { } status)
                continue;
            if (status.TracerPid != 0)
                found.Add($"thread {tid} is traced by {status.TracerPid}");
            if (status.State is 'T' or 't')
                found.Add($"thread {tid} is stopped ({status.State})");
            if (status.State is 'Z' or 'X' && tid == pid)
                found.Add($"process {pid} is dead ({status.State})");
        }

        return found;
    }

    private void AddMappings(List<MapsEntry> entries)
    {
        MapsEntry? last = null;
        bool isOursLeftOut = false;
        for (int i = 0; i < entries.Count; i++)
        {
            MapsEntry entry = entries[i];
            if (!isOursLeftOut && IsOursUnused(entry))
            {
                isOursLeftOut = true;
                continue;
            }

            if (!isOursLeftOut && i + 1 < entries.Count && AreOurs(entry, entries[i + 1]))
            {
                isOursLeftOut = true;
                i++;
                continue;
            }

            if (last is { } before && before.End == entry.Start && before.Access == entry.Access && before.Inode == entry.Inode &&
                before.Device == entry.Device && before.Name == entry.Name && (entry.Inode == 0 || before.Offset + before.Length == entry.Offset))
            {
                last = before with { End = entry.End };
                continue;
            }

            AddMapping(last);
            last = entry;
        }

        AddMapping(last);
    }

    private static IEnumerable<MapsEntry> WithoutOurs(MapsEntry entry, (ulong Start, ulong End) ours)
    {
        if (entry.End <= ours.Start || entry.Start >= ours.End)
            return [entry];
        return new[] { entry with { End = ours.Start }, entry with { Start = ours.End } }.Where(part => part.Start < part.End && part.Start >= entry.Start && part.End <= entry.End);
    }

    /// <summary>16 KiB of code and 112 KiB of data behind it, named [anon:snap] where the kernel gives names to anonymous memory, else nameless.</summary>
    private static bool AreOurs(MapsEntry code, MapsEntry data) =>
        code.Name.ToString() is "" or "[anon:snap]" && data.Name == code.Name && code.Inode == 0 && code.End == data.Start &&
        code is { IsReadable: true, IsExecutable: true, IsWritable: false, IsShared: false, Length: 16 * 1024 } &&
        data is { IsReadable: true, IsExecutable: false, IsWritable: true, IsShared: false, Length: 112 * 1024 };

    /// <summary>The same if the tracer died before the first batch: nameless, and all of it like the page of code.</summary>
    private static bool IsOursUnused(MapsEntry entry) =>
        entry.Name.ToString() is "" && entry is { Inode: 0, IsReadable: true, IsExecutable: true, IsWritable: false, IsShared: false, Length: 128 * 1024 };

    private void AddMapping(MapsEntry? entry)
    {
        if (entry is { } present)
            _facts[string.Create(CultureInfo.InvariantCulture, $"mapping {present.Start:x16}")] = $"{present} offset {present.Offset:x} {present.Device} {present.Inode}";
    }

    private void AddThread(int tid, ProcStatus status)
    {
        string state = status.State is 'R' or 'S' or 'D' ? "runs or sleeps" : status.State.ToString();
        _facts[$"thread {tid}"] =
            $"{status.Name}, {state}, tracer {status.TracerPid}, blocked {status.BlockedSignals:x}, pending {status.PendingSignals:x}, " +
            $"shared pending {status.SharedPendingSignals:x}, ignored {status.IgnoredSignals:x}, caught {status.CaughtSignals:x}, " +
            $"uid {status.Uid}, gid {status.Gid}, capabilities {status.EffectiveCapabilities:x}, seccomp {status.Seccomp}, umask {status.Umask}, " +
            $"cpus {string.Join(',', status.AllowedCpus.Select(word => word.ToString("x", CultureInfo.InvariantCulture)))}";
    }

    private static InvalidOperationException Gone(int pid) => new($"process or thread {pid} is gone");
}
