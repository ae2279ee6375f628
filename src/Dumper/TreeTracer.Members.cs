using Snap.Dumper.Collect;
using Snap.Dumper.Preflight;
using Snap.Image;
using Snap.Kernel.Injection;
using Snap.Kernel.Procfs;
using Snap.Kernel.Tracing;

namespace Snap.Dumper;

/// <content>Who belongs to the tree: found live, and once more in the freeze, when nobody can come or go any more.</content>
public sealed partial class TreeTracer
{
    private void LookLive() => ThrowIfAny(RepeatedLook.Run(LookOnce));

    private List<SnapException> LookOnce()
    {
        if (!_listing.TryRead(Pid))
            throw Ended(Pid);
        foreach (TreeMember member in _members.Where(member => member != _root && !_listing.Entries.Any(entry => !entry.IsDead && member.Is(entry))).ToList())
            Leave(member);
        foreach (ProcStat entry in _listing.Entries)
        {
            if (!entry.IsDead && !_members.Exists(member => member.Is(entry)) && entry.Pid != Pid && Target.OpenOrGone(entry.Pid) is { } opened)
                _members.Add(new TreeMember(opened, _tree));
        }

        _tree.ReadLive([.. _members.Select(member => member.Collector)]);
        var findings = new List<SnapException>();
        foreach (TreeMember member in _members.ToList())
        {
            if (member != _root && member.Collector.Findings.Any(finding => finding.Kind == ErrorCatalogue.TargetNotFound || finding.Kind == ErrorCatalogue.TargetIsZombie))
            {
                Leave(member);
                continue;
            }

            member.IsKnown = true;
            findings.AddRange(member.Collector.Findings);
        }

        TreeRules.Check(_listing.Entries, findings);
        return findings;
    }

    /// <summary>A process is no part of the tree any more: it ended, or lost its parent.</summary>
    private void Leave(TreeMember member)
    {
        if (member.Space is { } space)
            _leftSpaces.Add(space);
        _members.Remove(member);
        member.Dispose();
    }

    // Parents first: what stands still makes no children. One that waits in vfork for its child to exec stops only then, so the child must run.
    private (FreezeResult Result, TreeMember Member) FreezeTree(Deadline end)
    {
        _zombies.Clear();
        for (int i = 0; i < _members.Count; i++)
        {
            TreeMember member = _members[i];
            FreezeResult result = member.Target.Freezer.Freeze(end);
            if (result.Outcome == FreezeOutcome.Frozen || (result.Outcome == FreezeOutcome.Gone && member != _root))
                continue;
            return (result, member);
        }

        // Whether a process that had no children has some now, its own answer tells, for nothing: see CollectFrozen.
        return _members.Count == 1 && _listing.Entries.Count == 1 ? (new FreezeResult(FreezeOutcome.Frozen), _root) : FreezeRest(end);
    }

    /// <summary>Lists the tree until nobody new is found, freezes whoever isn't yet, and lets go whoever is no part of it any more.</summary>
    private (FreezeResult Result, TreeMember Member) FreezeRest(Deadline end)
    {
        bool isComplete;
        _listing.BeginFrozen();
        do
        {
            if (!_listing.TryRead(Pid))
                return (new FreezeResult(FreezeOutcome.Gone), _root);
            isComplete = _listing.IsSettled;
            foreach (ProcStat entry in _listing.Entries)
            {
                TreeMember? member = _members.Find(known => known.Is(entry));
                if (entry.IsDead || member is { Target.Freezer.IsFrozen: true })
                    continue;
                isComplete = false;
                if (member is null)
                {
                    if (Target.OpenOrGone(entry.Pid) is not { } opened)
                        continue;
                    _members.Add(member = new TreeMember(opened, _tree));
                }

                // One that was gone before is on its way out, or a thread of it called exec and took its pid.
                FreezeResult result = member.Target.Freezer.Freeze(end);
                if (result.Outcome is not (FreezeOutcome.Frozen or FreezeOutcome.Gone))
                    return (result, member);
            }

            if (!isComplete && end.HasPassed)
                return (new FreezeResult(FreezeOutcome.DeadlinePassed, Pid), _root);
        }
        while (!isComplete);
        LeaveUnlisted();
        TakeZombies();
        return (new FreezeResult(FreezeOutcome.Frozen), _root);
    }

    private void LeaveUnlisted()
    {
        var order = new Dictionary<int, int>();
        foreach (ProcStat entry in _listing.Entries)
            order.TryAdd(entry.Pid, order.Count);
        foreach (TreeMember member in _members.Where(member => !_listing.Entries.Any(entry => !entry.IsDead && member.Is(entry))).ToList())
        {
            if (member.Target.Freezer.IsFrozen)
                member.Target.Freezer.Thaw();
            Leave(member);
        }

        _members.Sort((one, other) => order[one.Target.Pid].CompareTo(order[other.Target.Pid]));
    }

    private void TakeZombies()
    {
        foreach (ProcStat entry in _listing.Entries.Where(entry => entry.IsDead))
        {
            _zombies.Add(new ZombieImage
            {
                Pid = entry.Pid,
                ParentPid = entry.ParentPid,
                ProcessGroup = entry.ProcessGroup,
                Session = entry.Session,
                Status = entry.ExitCode,
                ExitSignal = entry.ExitSignal,
                UserId = TaskFiles.OfProcess(entry.Pid).ReadStatus()?.Uid.Real ?? 0,
                Name = entry.Command,
            });
        }
    }

    /// <summary>Takes the state of all that stand still; whoever has no tracker gets one. What forbids it all is in <c>_findings</c> then.</summary>
    private void CollectFrozen()
    {
        _findings.Clear();
        Collect();
        if (_members.Count == 1 && _listing.Entries.Count == 1 && _root.Collector.HasChildren)
        {
            // It made its first children since it was looked at: what was taken of it may have changed by them.
            using Deadline end = Deadline.After(TimeSpan.FromMilliseconds(100));
            (FreezeResult result, TreeMember member) = FreezeRest(end);
            if (result.Outcome != FreezeOutcome.Frozen)
                throw Failed(member, result, TimeSpan.FromMilliseconds(100));
            _findings.Clear();
            Collect();
        }

        foreach (TreeMember member in _members)
        {
            _findings.AddRange(member.Collector.Findings);
            if (member.Collector.HasChildren && !_listing.Entries.Any(entry => entry.ParentPid == member.Target.Pid))
                _findings.Add(TreeRules.Tracer(member.Target.Pid));
        }

        TreeRules.Check(_listing.Entries, _findings, pid => _members.Exists(member => member.Target.Pid == pid && !member.IsKnown));
        _members.ForEach(member => member.IsKnown |= _findings.Count == 0);
    }

    private void Collect()
    {
        var sessions = new List<InjectionSession>(_members.Count);
        try
        {
            foreach (TreeMember member in _members)
            {
                sessions.Add(member.Target.Enter());
                if (!member.IsKnown)
                {
                    TreeCollector.ReadNewFrozen(member.Collector);
                    _findings.AddRange(member.Collector.Findings);
                }

                if (!member.NeedsTracker)
                    continue;
                MakeTracker(member, sessions[^1]);
                member.NeedsAnnouncement = true;
            }

            _tree.CollectFrozen([.. _members.Select(member => member.Collector)], sessions);
        }
        finally
        {
            sessions.ForEach(session => session.Dispose());
        }
    }
}
