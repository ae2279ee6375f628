using System.Globalization;
using Snap.Dumper.Preflight;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Injection;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Collect;

/// <summary>Takes the processes of a tree together: what they share is taken once.</summary>
/// <remarks>Kept between checkpoints. The members are named at each step, the root first: they come and go.</remarks>
internal sealed partial class TreeCollector : IDisposable
{
    private readonly TreeView _view = new();
    private readonly List<SharedObject> _sharedObjects = [];
    private readonly List<PipeImage> _pipes = [];
    private readonly Dictionary<int, int[]> _epollTargets = [];
    private readonly PipeContents _pipeContents = new();
    private readonly FileCatalogue _files = new();

    /// <summary>Shared memory as it was frozen, mapped or only open in any process, each object once.</summary>
    public IReadOnlyList<SharedObject> SharedObjects => _sharedObjects;

    /// <summary>Reads what is slow while the members run, and looks for reasons not to stop them at all.</summary>
    public void ReadLive(IReadOnlyList<StateCollector> members)
    {
        HostFacts.Warm();
        TemporaryFiles.Refresh();
        foreach (StateCollector member in members)
            member.ClearFindings();
        PreflightCheck.Run(_view, [.. members.Select(member => member.Live)], (pid, finding) => members.First(member => member.Target.Pid == pid).AddFinding(finding));
        foreach (StateCollector member in members)
            member.ReadLiveFiles();
    }

    /// <summary>As <see cref="ReadLive"/> for one that is frozen already, since it was found only then.</summary>
    public static void ReadNewFrozen(StateCollector member)
    {
        member.ClearFindings();
        member.Live.IsFrozen = true;
        // What its descriptors lead to only the whole tree tells.
        PreflightCheck.RunAlone(member.Live, member.AddFinding);
        member.Live.IsFrozen = false;
        member.ReadLiveFiles();
    }

    /// <summary>Takes the state of the frozen members.</summary>
    /// <param name="members">All of the tree.</param>
    /// <param name="sessions">For each its session, in this freeze.</param>
    /// <exception cref="SnapException">S0302: one ended.</exception>
    public void CollectFrozen(IReadOnlyList<StateCollector> members, IReadOnlyList<InjectionSession> sessions)
    {
        StateCollector current = members[0];
        try
        {
            foreach (StateCollector member in members)
            {
                current = member;
                member.ClearFindings();
                member.ReadFrozen();
            }

            current = members[0];
            _view.Judge([.. members.Select(member => (member.Live, member.Descriptors))], looksOutside: false,
                (pid, finding) => members.First(member => member.Target.Pid == pid).AddFinding(finding));
            _sharedObjects.Clear();
            for (int i = 0; i < members.Count; i++)
            {
                current = members[i];
                current.TakeFrozen(sessions[i]);
                SharedObjectList.Merge(_sharedObjects, current.SharedObjects);
            }

            current = members[0];
            TakePipes(members);
            TakeEpollTargets(members);
        }
        catch (KernelException gone) when (gone.Errno == Errno.ESRCH)
        {
            throw Refusal.Ended(current.Target.Pid, gone);
        }
        catch (InjectionException gone) when (gone.TargetGone)
        {
            throw Refusal.Ended(current.Target.Pid, gone);
        }
    }

    /// <summary>After the thaw: a pipe that was taken for one of the tree's own has an end outside.</summary>
    public bool HasLeaked(int root) => _view.HasLeaked(root);

    /// <inheritdoc/>
    public void Dispose() => _pipeContents.Dispose();

    private IEnumerable<OpenDescription> Pipes() =>
        _view.Descriptions.All.Select(one => one.Description).Where(one => one.First.Target.Kind == DescriptorKind.Pipe);

    private void TakePipes(IReadOnlyList<StateCollector> members)
    {
        _pipes.Clear();
        foreach ((DescriptorTable table, OpenDescription end) in _view.Descriptions.All)
        {
            ulong inode = end.First.Target.Number;
            if (end.Class != DescriptionClass.Pipe || _pipes.Exists(pipe => pipe.Inode == inode))
                continue;
            if (!end.First.CanRead)
            {
                // A writing end that nobody reads from any more: what was unread is gone.
                if (!Pipes().Any(other => other.First.Target.Number == inode && other.First.CanRead))
                    _pipes.Add(new PipeImage(_pipes.Count, inode, end.Extra, []));
                continue;
            }

            bool isPackets = Pipes().Any(other => other.Class == DescriptionClass.Pipe
                && other.First.Target.Number == inode && other.First.CanWrite && (other.First.Info.Flags & Fcntl.O_DIRECT) != 0);
            StateCollector owner = members.First(member => member.Target.Pid == table.Pid);
            var findings = new List<SnapException>();
            _pipes.Add(_pipeContents.Read(owner.Target.Handle, end.First, end.Extra, isPackets, _pipes.Count, findings));
            findings.ForEach(owner.AddFinding);
        }
    }

    // A registration names the descriptor number it was made with, in the process that made it; the number may have become another file's since, or nobody's.
    private void TakeEpollTargets(IReadOnlyList<StateCollector> members)
    {
        _epollTargets.Clear();
        foreach ((_, OpenDescription epoll) in _view.Descriptions.All)
        {
            if (epoll.Class != DescriptionClass.Epoll)
                continue;
            IReadOnlyList<EpollRegistration> registrations = epoll.First.Info.Epoll;
            var targets = new int[registrations.Count];
            for (int i = 0; i < targets.Length; i++)
            {
                int index = registrations.Take(i).Count(earlier => earlier.Descriptor == registrations[i].Descriptor);
                targets[i] = FindEpollTarget(members, epoll, registrations[i], index);
            }

            _epollTargets.Add(epoll.Id, targets);
        }
    }

    // Looked for in each process that has the set: it has to make the registration again, and needs the file for that.
    private static int FindEpollTarget(IReadOnlyList<StateCollector> members, OpenDescription epoll, EpollRegistration registration, int index)
    {
        StateCollector? holder = null;
        foreach (StateCollector member in members)
        {
            if (member.Descriptors.Descriptions.Find(one => one == epoll || one.Original == epoll) is not { } set)
                continue;
            holder ??= member;
            if (member.Descriptors.Find(registration.Descriptor) is { } usual && Watches(member, set, usual))
                return usual.Id;
            if (member.Descriptors.Descriptions.Find(one => Watches(member, set, one)) is { } moved)
                return moved.Id;
        }

        int pid = holder!.Target.Pid;
        holder.AddFinding(Refusal.Of(ErrorCatalogue.DescriptorUnsupported, pid,
            string.Create(CultureInfo.InvariantCulture, $"fd {epoll.First.Number} is an epoll set that watches a file which no descriptor of the process leads to any more"),
            string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fdinfo/{epoll.First.Number}: tfd {registration.Descriptor}, inode {registration.Inode}"),
            "another process keeps the file open", "have the program remove it from the set before closing it"));
        return -1;

        bool Watches(StateCollector member, OpenDescription set, OpenDescription one) => one.First.Stat.st_ino == registration.Inode
            && KernelCompare.WithEpollTarget(member.Target.Pid, one.First.Number, set.First.Number, registration.Descriptor, index).Raw == 0;
    }
}
