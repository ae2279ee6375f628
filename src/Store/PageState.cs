namespace Snap.Store;

/// <summary>What a page of a snapshot is; a page that is absent is in no run.</summary>
public enum PageState
{
    /// <summary>Bytes are stored.</summary>
    Data,
    /// <summary>All zeros, explicitly: not absent.</summary>
    Zero,
}
