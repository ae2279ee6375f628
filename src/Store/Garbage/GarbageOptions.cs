namespace Snap.Store;

/// <summary>What a collection may drop.</summary>
public sealed record GarbageOptions
{
    /// <summary>Rules for this run, for the names of <see cref="Name"/>; null: each name's stored policy.</summary>
    public RetentionPolicy? Policy { get; init; }

    /// <summary>Only this name's snapshots may go; null: all names'.</summary>
    public string? Name { get; init; }

    /// <summary>Drop the oldest snapshots, whatever keeps them but tags and being their name's newest, until the store fits; 0 = no limit.</summary>
    public long MaxBytes { get; init; }

    /// <summary>Allows a run that leaves no snapshot at all.</summary>
    public bool MayDeleteAll { get; init; }

    /// <summary>Decide and count, but change nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>Called now and then with what is being done.</summary>
    public Action<string>? Progress { get; init; }
}
