using Snap.Image;

namespace Snap.Store;

/// <summary>A tag, which pins a snapshot.</summary>
/// <param name="Tag">Its name.</param>
/// <param name="Id">The snapshot.</param>
public readonly record struct TagInfo(string Tag, SnapshotId Id);
