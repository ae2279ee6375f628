using System.Globalization;
using System.Net.Sockets;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;

namespace Snap.Engine.Server;

/// <summary>Who may ask: our own user and root, and only where pids mean what they mean to us.</summary>
internal static class PeerCheck
{
    /// <summary>Looks at the process that connected.</summary>
    /// <returns>Why it may not ask; null if it may.</returns>
    public static string? Refuse(Socket socket)
    {
        (int pid, uint user) = UnixSocket.Peer((int)socket.Handle);
        if (user != 0 && user != OwnProcess.EffectiveUser)
            return string.Create(CultureInfo.InvariantCulture, $"uid {user} may not use the engine of uid {OwnProcess.EffectiveUser}");
        // 0: from a namespace that we can't see into. Several numbers: from one inside ours, where the same pids mean other processes.
        return pid == 0 || TaskFiles.OfProcess(pid).ReadStatus() is { NamespaceTgids.Count: > 1 }
            ? "the caller lives in another pid namespace, in which pids mean other processes" : null;
    }
}
