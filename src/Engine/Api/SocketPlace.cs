using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Kernel.Syscalls;

namespace Snap.Engine.Api;

/// <summary>Where an engine listens: in its store's directory, or, if that file system has no sockets, in the user's runtime directory, named by a small file in the store.</summary>
internal static class SocketPlace
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Listens for the engine of a store. The caller holds the store's lock, so what is there is an ended engine's.</summary>
    /// <param name="store">The store's directory.</param>
    /// <param name="takesSockets">Whether a directory takes a socket; by default it is tried.</param>
    /// <exception cref="SnapException">Neither place takes a socket.</exception>
    public static FileDescriptor Listen(string store, Func<string, bool>? takesSockets = null)
    {
        Remove(store);
        if ((takesSockets?.Invoke(store) ?? true) && TryListen(store, Protocol.SocketName, out FileDescriptor? listening, out Errno refused))
            return listening!;
        string directory = RuntimeDirectory();
        string name = NameOf(store);
        Directory.CreateDirectory(directory, OwnerOnly);
        CheckOwner(directory);
        File.Delete(Path.Combine(directory, name));
        if (!TryListen(directory, name, out listening, out refused))
            throw new SnapException(ErrorCatalogue.EngineNotStarted, "the engine can't listen for commands", directory, refused.ToString(), "set XDG_RUNTIME_DIR to a directory on a file system that has sockets");
        File.WriteAllText(Path.Combine(store, Protocol.PlaceName), Path.Combine(directory, name) + "\n");
        return listening!;
    }

    /// <summary>Connects to the engine of a store.</summary>
    /// <returns>Null if none listens.</returns>
    /// <exception cref="SnapException">S0710: it is another user's.</exception>
    public static FileDescriptor? TryConnect(string store)
    {
        SyscallResult done = UnixSocket.TryConnect(store, Protocol.SocketName, out FileDescriptor? connected);
        string place = Path.Combine(store, Protocol.PlaceName);
        if (done.Errno == Errno.ENOENT && File.Exists(place))
        {
            string path = File.ReadAllText(place).TrimEnd('\n');
            done = UnixSocket.TryConnect(Path.GetDirectoryName(path) ?? "/", Path.GetFileName(path), out connected);
        }

        if (connected is null)
        {
            return done.Errno is Errno.ENOENT or Errno.ECONNREFUSED or Errno.ENOTDIR ? null
                : throw new SnapException(ErrorCatalogue.EngineForeign, "the store's engine can't be reached", store, done.Errno.ToString(), "use the store as its owner");
        }

        uint other = UnixSocket.Peer(connected.Number).UserId;
        if (other == OwnProcess.EffectiveUser)
            return connected;
        connected.Dispose();
        throw new SnapException(ErrorCatalogue.EngineForeign, "the store's engine belongs to another user", store,
            string.Create(CultureInfo.InvariantCulture, $"it runs as uid {other}"), "use the store as its owner");
    }

    /// <summary>Nobody can connect any more.</summary>
    public static void Remove(string store)
    {
        File.Delete(Path.Combine(store, Protocol.SocketName));
        string place = Path.Combine(store, Protocol.PlaceName);
        if (!File.Exists(place))
            return;
        File.Delete(place);
        File.Delete(Path.Combine(RuntimeDirectory(), NameOf(store)));
    }

    /// <summary>Where the sockets of a store's tracers may lie, the first choice first.</summary>
    public static IReadOnlyList<string> TracerDirectories(string store) =>
        [Path.Combine(store, Protocol.TracersName), Path.Combine(RuntimeDirectory(), Path.ChangeExtension(NameOf(store), null) + "." + Protocol.TracersName)];

    private static bool TryListen(string directory, string name, out FileDescriptor? listening, out Errno refused)
    {
        refused = UnixSocket.TryListen(directory, name, out listening).Errno;
        return listening is not null;
    }

    private static string RuntimeDirectory() =>
        Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { } named && Path.IsPathFullyQualified(named) ? Path.Combine(named, "snap")
            : string.Create(CultureInfo.InvariantCulture, $"/tmp/snap-{OwnProcess.EffectiveUser}");

    private static string NameOf(string store) => Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(store))) + ".sock";

    /// <summary>In /tmp anybody may have made it.</summary>
    private static void CheckOwner(string directory)
    {
        FileDescriptor.TryStat(directory, out stat found, follow: false).OrThrow("stat");
        if (found.st_uid != OwnProcess.EffectiveUser || (File.GetUnixFileMode(directory) & ~OwnerOnly) != 0)
            throw new SnapException(ErrorCatalogue.EngineNotStarted, "the engine can't listen for commands", directory, "the directory is another user's, or open to others", "remove it, or set XDG_RUNTIME_DIR");
    }
}
