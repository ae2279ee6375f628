using Snap.Image;

namespace Snap.Store;

/// <summary>A place where stored bytes are damaged, or something is missing.</summary>
/// <param name="Where">File and offset.</param>
/// <param name="What">What is wrong there.</param>
/// <param name="Snapshot">The snapshot that it hurts, if it is one's.</param>
/// <param name="Space">The space, if pages of one are hurt.</param>
/// <param name="Pages">The pages, if any are hurt.</param>
public sealed record VerifyFinding(string Where, string What, SnapshotInfo? Snapshot = null, SpaceId? Space = null, PageRange? Pages = null);
