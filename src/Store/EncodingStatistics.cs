namespace Snap.Store;

/// <summary>Pages of one encoding.</summary>
/// <param name="Pages">Pages.</param>
/// <param name="Bytes">Bytes of their records.</param>
public readonly record struct EncodingStatistics(long Pages, long Bytes);
