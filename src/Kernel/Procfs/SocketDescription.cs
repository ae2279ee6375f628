namespace Snap.Kernel.Procfs;

/// <summary>What /proc/PID/net tells of a socket, for messages to people.</summary>
/// <param name="Protocol"><c>unix</c>, <c>tcp</c>, <c>tcp6</c>, <c>udp</c> or <c>udp6</c>.</param>
/// <param name="State"><c>listening</c>, <c>established</c>, …; of a unix socket with its type: <c>stream listening</c>.</param>
/// <param name="Local">Address and port, or path ('@' first: abstract); "" if unnamed.</param>
/// <param name="Remote">Address and port of the other end, "" if there is none.</param>
/// <param name="Inode">As in <c>socket:[inode]</c>.</param>
public sealed record SocketDescription(string Protocol, string State, string Local, string Remote, ulong Inode)
{
    /// <summary>As <c>tcp 127.0.0.1:5432 -> 10.0.0.7:40222 (established)</c>.</summary>
    public override string ToString()
    {
        string local = Local.Length > 0 ? " " + Local : "";
        string remote = Remote.Length > 0 ? " -> " + Remote : "";
        return $"{Protocol}{local}{remote} ({State})";
    }
}
