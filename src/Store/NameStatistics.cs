namespace Snap.Store;

/// <summary>Sums of one name's snapshots.</summary>
/// <param name="Name">The name.</param>
/// <param name="Snapshots">Its snapshots.</param>
/// <param name="PagesGiven">Pages given to them.</param>
/// <param name="PagesZero">Of these, zero.</param>
/// <param name="PagesUnchanged">Equal to the parent's.</param>
/// <param name="PagesDeduplicated">Equal to a page stored elsewhere.</param>
/// <param name="PagesStored">Stored.</param>
/// <param name="PagesDelta">Of these, as differences.</param>
/// <param name="BytesStored">Bytes that they added to the store.</param>
/// <param name="SegmentBytes">Bytes of its segments now.</param>
public sealed record NameStatistics(string Name, int Snapshots, long PagesGiven, long PagesZero, long PagesUnchanged, long PagesDeduplicated,
    long PagesStored, long PagesDelta, long BytesStored, long SegmentBytes);
