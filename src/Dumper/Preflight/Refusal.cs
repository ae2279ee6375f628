using System.Globalization;
using Snap.Image;

namespace Snap.Dumper.Preflight;

/// <summary>Words a reason why a process can't be captured, alike wherever it is found.</summary>
internal static class Refusal
{
    /// <summary>A finding about process <paramref name="pid"/>: <c>cannot snapshot pid 4711: reason</c>.</summary>
    public static SnapException Of(ErrorKind kind, int pid, string reason, string? where = null, string? why = null, string? toDo = null, Exception? inner = null) =>
        new(kind, string.Create(CultureInfo.InvariantCulture, $"cannot snapshot pid {pid}: {reason}"), where, why, toDo, inner);

    /// <summary>The process is gone.</summary>
    public static SnapException NotFound(int pid) => new(ErrorCatalogue.TargetNotFound,
        string.Create(CultureInfo.InvariantCulture, $"there is no process {pid}"), toDo: "look for it with `ps -e` or `pgrep -a NAME`");

    /// <summary>The process ended meanwhile.</summary>
    public static SnapException Ended(int pid, Exception? inner = null) => new(ErrorCatalogue.TargetEnded,
        string.Create(CultureInfo.InvariantCulture, $"process {pid} ended while it was being captured"),
        why: inner?.Message, toDo: "restore its last snapshot, or start it again", inner: inner);
}
