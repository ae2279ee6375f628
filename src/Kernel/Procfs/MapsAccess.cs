namespace Snap.Kernel.Procfs;

/// <summary>The four letters of a line of maps.</summary>
[Flags]
public enum MapsAccess : byte
{
    /// <summary><c>---p</c>.</summary>
    None = 0,
    /// <summary>May be read; same value as PROT_READ.</summary>
    Read = 1,
    /// <summary>May be written; same value as PROT_WRITE.</summary>
    Write = 2,
    /// <summary>May be executed; same value as PROT_EXEC.</summary>
    Execute = 4,
    /// <summary><c>s</c> in place of <c>p</c>: writes go to the object (MAP_SHARED).</summary>
    Shared = 8,
}
