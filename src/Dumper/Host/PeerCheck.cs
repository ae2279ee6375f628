using System.Globalization;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Host;

/// <summary>Who may ask: our own user and root, and only where pids mean what they mean to us.</summary>
public static class PeerCheck
{
    /// <summary>Looks at the process that connected.</summary>
    /// <param name="socket">Number of the connection's descriptor.</param>
    /// <returns>Why it may not ask; null if it may.</returns>
    public static string? Refuse(int socket)
    {
        (int pid, uint user) = UnixSocket.Peer(socket);
        if (user != 0 && user != OwnProcess.EffectiveUser)
            return string.Create(CultureInfo.InvariantCulture, $"uid {user} may not use the engine of uid {OwnProcess.EffectiveUser}");
        // 0: from a namespace that we can't see into. Several numbers: from one inside ours, where the same pids mean other processes.
        return pid == 0 || TaskFiles.OfProcess(pid).ReadStatus() is { NamespaceTgids.Count: > 1 }
            ? "the caller lives in another pid namespace, in which pids mean other processes" : null;
    }
}
