using System.Runtime.ExceptionServices;
using Snap.Dumper.Collect;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Injection;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracing;
using Snap.Kernel.Tracking;
using CollectTarget = Snap.Dumper.Collect.Target;

namespace Snap.Restorer.Tests;

/// <summary>A process taken in one freeze, every page of it: the simplest capture there is, so that a failing test speaks of the restore.</summary>
internal sealed record Capture(SnapshotImage Image, DictionaryPages Pages)
{
    public ProcessImage Process => Image.Processes[0];

    public static Capture Of(int pid)
    {
        Capture? taken = null;
        ExceptionDispatchInfo? failure = null;
        // ptrace answers only the thread that seized; and when that thread ends, however it ends, the target runs on.
        var thread = new Thread(() =>
        {
            try
            {
                taken = Take(pid);
            }
            catch (Exception caught)
            {
                failure = ExceptionDispatchInfo.Capture(caught);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return taken!;
    }

    private static Capture Take(int pid)
    {
        using CollectTarget target = CollectTarget.OpenOrGone(pid) ?? throw new InvalidOperationException($"there is no process {pid}");
        using var collector = new StateCollector(target);
        collector.ReadLive();
        Refuse(collector);
        Assert.Equal(FreezeOutcome.Frozen, target.Freezer.Freeze(Deadline.Never).Outcome);
        var pages = new DictionaryPages();
        var ids = new Ids();
        using (InjectionSession session = target.Enter())
            collector.CollectFrozen(session);
        Refuse(collector);
        using (PageMap map = PageMap.Open(pid))
        {
            foreach (MapsEntry entry in collector.FrozenMappings.Where(entry => !entry.IsShared && !entry.IsKernelProvided))
                ReadPrivate(target, map, entry, ids.AddressSpace(pid), pages);
        }

        foreach (SharedObject shared in collector.SharedObjects)
            ReadShared(target, shared, ids.SharedObject(shared.Device, shared.Inode), pages);
        target.Freezer.Thaw();
        return new Capture(collector.Build(ids, TrackerKind.Compare), pages);
    }

    private static void Refuse(StateCollector collector)
    {
        if (collector.Findings.Count > 0)
            throw new InvalidOperationException("can't be captured:\n" + string.Join('\n', collector.Findings.Select(finding => finding.Render())));
    }

    private static void ReadPrivate(CollectTarget target, PageMap map, MapsEntry entry, SpaceId space, DictionaryPages pages)
    {
        var found = new PageRegion[256];
        var scan = new PageScan
        {
            AnyOf = PageCategories.Present | PageCategories.Swapped,
            Return = PageCategories.Present | PageCategories.Swapped | PageCategories.ZeroPage | PageCategories.File,
        };
        var page = new byte[PageRange.PageSize];
        for (ulong at = entry.Start; at < entry.End;)
        {
            long count = map.TryScan(at, entry.End, scan, found, out at).OrThrow("PAGEMAP_SCAN");
            foreach (PageRegion region in found.AsSpan(0, (int)count))
            {
                if ((region.Categories & PageCategories.File) != 0)
                    continue;
                for (ulong address = region.Start; address < region.End; address += PageRange.PageSize)
                {
                    target.Memory.Read(new RemoteAddress(address), page);
                    pages.Put(space, address >> PageRange.PageShift, page);
                }
            }
        }
    }

    private static void ReadShared(CollectTarget target, SharedObject shared, SpaceId space, DictionaryPages pages)
    {
        FileDescriptor? file;
        if (shared.Descriptor >= 0)
            target.Handle.TryTakeDescriptor(shared.Descriptor, out file).OrThrow("pidfd_getfd");
        else
            file = FileDescriptor.Open($"/proc/{target.Pid}/map_files/{shared.Mapping!.Value.Start:x}-{shared.Mapping.Value.End:x}", Fcntl.O_RDONLY);
        using (file)
        {
            var page = new byte[PageRange.PageSize];
            for (ulong at = 0; ;)
            {
                // By way of /proc, so that the position of the target's own description stays where it is.
                using FileDescriptor own = FileDescriptor.Open($"/proc/self/fd/{file!.Number}", Fcntl.O_RDONLY);
                var data = own.TrySeek((long)at, Fcntl.SEEK_DATA);
                if (data.IsError)
                    return;
                ulong start = (ulong)data.Value, end = (ulong)own.TrySeek((long)start, Fcntl.SEEK_HOLE).OrThrow("lseek");
                for (at = start & ~0xFFFUL; at < end; at += PageRange.PageSize)
                {
                    page.AsSpan().Clear();
                    own.TryReadAt(at, page).OrThrow("read shared memory");
                    pages.Put(space, at >> PageRange.PageShift, page);
                }
            }
        }
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
