namespace Snap.Kernel.Procfs;

/// <summary>The four user ids, or the four group ids, of a task.</summary>
/// <param name="Real">Real id.</param>
/// <param name="Effective">Effective id.</param>
/// <param name="Saved">Saved set-id.</param>
/// <param name="FileSystem">Id for access to files.</param>
public readonly record struct FourIds(uint Real, uint Effective, uint Saved, uint FileSystem)
{
    /// <summary>All four are the same.</summary>
    public bool AreEqual => Real == Effective && Real == Saved && Real == FileSystem;
}
