using Snap.Image;

namespace Snap.Restorer.Checks;

/// <summary>Everything found so far that forbids the restore; thrown together.</summary>
internal sealed class Obstacles
{
    private readonly List<SnapException> _found = [];

    public IReadOnlyList<SnapException> Found => _found;

    public bool Any => _found.Count > 0;

    public void Add(ErrorKind kind, string what, string? where = null, string? why = null, string? toDo = null) =>
        _found.Add(new SnapException(kind, what, where, why, toDo));

    /// <summary>Throws the first, with the others attached.</summary>
    public void ThrowIfAny()
    {
        if (_found.Count == 0)
            return;
        SnapException first = _found[0];
        throw new SnapException(first.Kind, first.What, first.Where, first.Why, first.ToDo) { Others = _found[1..] };
    }
}
