using Snap.Store;

namespace Snap.Engine;

/// <summary>What a collection may delete, and whether its rules are kept.</summary>
public sealed record CollectOptions
{
    /// <summary>Rules for this run; empty: each name's stored ones.</summary>
    public RetentionPolicy Policy { get; init; } = new();

    /// <summary>Only this name's snapshots may go; null: all names'.</summary>
    public string? Name { get; init; }

    /// <summary>As <see cref="GarbageOptions.MaxBytes"/>.</summary>
    public long MaxBytes { get; init; }

    /// <summary>As <see cref="GarbageOptions.MayDeleteAll"/>.</summary>
    public bool MayDeleteAll { get; init; }

    /// <summary>Decide and count, but change nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>Store the rules for the name, or else for every name; empty ones: forget those that are stored.</summary>
    public bool Save { get; init; }

    /// <summary>Called now and then with what is being done.</summary>
    public Action<string> Progress { get; init; } = _ => { };
}
