namespace Snap.Image;

/// <summary>How a tree of processes with its sessions and groups can be made again, or why it can't.</summary>
/// <remarks>
/// A process is in the session of whoever made it until it starts its own; it can't join another. So children that are still in the session that their
/// parent left come before the parent's setsid(2), the others after. Groups come when all processes exist: first those that lead one, then those that join.
/// A group in a session of the tree whose first process has ended needs a stand-in with its id for a moment (<see cref="StandIns"/>). A session led from
/// outside the tree, or by a process that has ended, can't be made again: its members stay in the restorer's, and so do their groups that nobody of the tree leads.
/// </remarks>
public sealed class TreeShape
{
    private const int Outside = 0;

    private readonly List<TreeNode> _nodes;
    private readonly Dictionary<int, TreeNode> _byPid;
    private readonly ILookup<int, TreeNode> _children;
    private readonly List<TreeStep> _steps = [];
    private readonly List<TreeNode> _standIns = [];
    private readonly List<(int Pid, string Why)> _problems = [];
    private readonly List<TreeNode> _sessionGuests = [];
    private readonly List<TreeNode> _groupGuests = [];

    private TreeShape(IReadOnlyList<TreeNode> nodes)
    {
        _nodes = [.. nodes];
        _byPid = nodes.ToDictionary(node => node.Pid);
        _children = nodes.Skip(1).ToLookup(node => node.ParentPid);
    }

    /// <summary>What to do, in order; all but the root are created by it.</summary>
    public IReadOnlyList<TreeStep> Steps => _steps;

    /// <summary>Processes that exist only while the tree is built: each gives its id to a group.</summary>
    public IReadOnlyList<TreeNode> StandIns => _standIns;

    /// <summary>Why it can't be made again; empty if it can.</summary>
    public IReadOnlyList<(int Pid, string Why)> Problems => _problems;

    /// <summary>Processes whose session nobody in the tree leads: they stay in the restorer's.</summary>
    public IReadOnlyList<TreeNode> SessionGuests => _sessionGuests;

    /// <summary>Processes whose group nobody in the tree leads, in a session of that kind: they stay in the restorer's group.</summary>
    public IReadOnlyList<TreeNode> GroupGuests => _groupGuests;

    /// <summary>The shape of an image's processes and zombies.</summary>
    public static TreeShape Of(SnapshotImage image) => Of([
        .. image.Processes.Select(process => new TreeNode(process.Pid, process.ParentPid, process.ProcessGroup, process.Session)),
        .. image.Zombies.Select(zombie => new TreeNode(zombie.Pid, zombie.ParentPid, zombie.ProcessGroup, zombie.Session)),
    ]);

    /// <summary>The shape of a tree; its root comes first.</summary>
    public static TreeShape Of(IReadOnlyList<TreeNode> nodes)
    {
        var shape = new TreeShape(nodes);
        foreach (TreeNode node in nodes.Skip(1).Where(node => !shape._byPid.ContainsKey(node.ParentPid)))
            shape._problems.Add((node.Pid, $"its parent {node.ParentPid} isn't in the tree"));
        if (shape._problems.Count > 0)
            return shape;
        shape.Visit(nodes[0], Outside);
        shape.AddGroups();
        return shape;
    }

    private void Visit(in TreeNode node, int createdIn)
    {
        int session = SessionOf(node);
        if (session != node.Pid && session != createdIn)
            _problems.Add((node.Pid, $"it is in session {node.Session}, which its parent is not in and can't have left it in"));
        int pid = node.Pid;
        TreeNode[] children = [.. _children[pid]];
        bool startsSession = session == pid;
        foreach (TreeNode child in children.Where(child => startsSession && NeedOf(child) is { } need && need != pid))
            Create(child, createdIn);
        if (startsSession)
            _steps.Add(new TreeStep(TreeStepKind.StartSession, pid));
        foreach (TreeNode child in children.Where(child => !startsSession || NeedOf(child) is not { } need || need == pid))
            Create(child, session);
    }

    private void Create(in TreeNode child, int session)
    {
        _steps.Add(new TreeStep(TreeStepKind.Create, child.Pid, child.ParentPid));
        Visit(child, session);
    }

    /// <summary>The session that a process has to be created in; null if any will do.</summary>
    private int? NeedOf(TreeNode node)
    {
        int session = SessionOf(node);
        if (session != node.Pid)
            return session;
        foreach (TreeNode child in _children[node.Pid])
        {
            if (NeedOf(child) is { } need && need != node.Pid)
                return need;
        }

        return null;
    }

    private int SessionOf(TreeNode node) =>
        _byPid.TryGetValue(node.Session, out TreeNode leader) && leader.Session == leader.Pid ? node.Session : Outside;

    private void AddGroups()
    {
        foreach (TreeNode node in _nodes.Where(node => node.ProcessGroup == node.Pid && node.Session != node.Pid))
            _steps.Add(new TreeStep(TreeStepKind.StartGroup, node.Pid));
        foreach (TreeNode node in _nodes)
        {
            int session = SessionOf(node);
            if (session == Outside)
                _sessionGuests.Add(node);
            // Whoever isn't moved is in the group of the session's leader.
            if (node.ProcessGroup == node.Pid || node.ProcessGroup == session)
                continue;
            bool hasLeader = _byPid.TryGetValue(node.ProcessGroup, out TreeNode leader) && leader.ProcessGroup == leader.Pid && SessionOf(leader) == session;
            if (!hasLeader && session == Outside)
            {
                _groupGuests.Add(node);
                continue;
            }

            if (!hasLeader && _byPid.ContainsKey(node.ProcessGroup))
                _problems.Add((node.Pid, $"it is in process group {node.ProcessGroup}, and the process with that id isn't"));
            else if (!hasLeader)
                AddStandIn(node.ProcessGroup, session);
            _steps.Add(new TreeStep(TreeStepKind.JoinGroup, node.Pid, node.ProcessGroup));
        }
    }

    private void AddStandIn(int group, int session)
    {
        if (_standIns.Exists(known => known.Pid == group))
            return;
        _standIns.Add(new TreeNode(group, session, group, session));
        _steps.Add(new TreeStep(TreeStepKind.Create, group, session));
        _steps.Add(new TreeStep(TreeStepKind.StartGroup, group));
    }
}
