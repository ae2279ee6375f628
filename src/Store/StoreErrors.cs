using System.Globalization;
using Snap.Image;

namespace Snap.Store;

/// <summary>The store's errors that are made in several places.</summary>
internal static class StoreErrors
{
    public static SnapException Damaged(string file, long? offset, string why, Exception? inner = null) =>
        new(ErrorCatalogue.StoreDamaged, "stored bytes are damaged",
            offset is { } place ? string.Create(CultureInfo.InvariantCulture, $"{file}, offset {place}") : file,
            why, "run snap verify to see which snapshots are hurt; the others stay restorable", inner);

    public static SnapException NoSnapshot(string reference, string why) =>
        new(ErrorCatalogue.SnapshotNotFound, $"there is no snapshot '{reference}'", why: why, toDo: "run snap log to see what there is");
}
