namespace Snap.Image;

/// <summary>A failure that a user has to read: a catalogue entry with the four parts of its message kept apart.</summary>
/// <param name="kind">The catalogue entry.</param>
/// <param name="what">What could not be done, one line that stands alone, no function names.</param>
/// <param name="where">Pid, tid, fd, address, file and offset: wherever it was found.</param>
/// <param name="why">The fact behind it: errno by name, limit and actual value.</param>
/// <param name="toDo">What the user can do about it.</param>
/// <param name="inner">What caused it, if another exception did.</param>
public sealed class SnapException(ErrorKind kind, string what, string? where = null, string? why = null, string? toDo = null, Exception? inner = null)
    : Exception(what, inner)
{
    /// <summary>The catalogue entry.</summary>
    public ErrorKind Kind { get; } = kind;

    /// <summary>What could not be done.</summary>
    public string What { get; } = what;

    /// <summary>Where it was found, if it has a place.</summary>
    public string? Where { get; } = where;

    /// <summary>The fact behind it.</summary>
    public string? Why { get; } = why;

    /// <summary>What the user can do.</summary>
    public string? ToDo { get; } = toDo;

    /// <summary>Further findings of the same check, when several things are wrong at once; each is a whole error of its own.</summary>
    public IReadOnlyList<SnapException> Others { get; init; } = [];

    /// <summary>The message as it is printed: first line alone, then where, why, to do, then every other finding.</summary>
    public string Render()
    {
        var lines = new List<string> { $"{Kind.Id} {What}" };
        if (Where is not null)
            lines.Add($"  where: {Where}");
        if (Why is not null)
            lines.Add($"  why:   {Why}");
        if (ToDo is not null)
            lines.Add($"  to do: {ToDo}");
        lines.AddRange(Others.Select(other => other.Render()));
        return string.Join('\n', lines);
    }
}
