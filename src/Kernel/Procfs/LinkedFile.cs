namespace Snap.Kernel.Procfs;

/// <summary>A path as a link of /proc shows it.</summary>
/// <param name="Path">Without <c> (deleted)</c> (<see cref="KernelText"/>).</param>
/// <param name="IsDeleted">The link ended in <c> (deleted)</c>: no such name any more. A file whose own name ends so looks the same; fstat tells.</param>
public readonly record struct LinkedFile(string Path, bool IsDeleted)
{
    private const string Deleted = " (deleted)";

    /// <summary>Takes the link's target apart.</summary>
    public static LinkedFile Parse(string target) => target.EndsWith(Deleted, StringComparison.Ordinal)
        ? new LinkedFile(target[..^Deleted.Length], true)
        : new LinkedFile(target, false);

    /// <summary>As the link shows it.</summary>
    public override string ToString() => IsDeleted ? Path + Deleted : Path;
}
