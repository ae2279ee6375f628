using System.Globalization;
using Snap.Dumper.Host;

namespace Snap.Engine.Api;

/// <summary>What client and server agree on besides the bodies.</summary>
internal static class Protocol
{
    /// <summary>Version of the API; an engine refuses clients of Snap that speak another, and is asked to make way by them.</summary>
    public const int Version = 1;

    /// <summary>HTTP status by which an engine says that it is about to end: 503.</summary>
    public const int StoppingStatus = 503;

    /// <summary>HTTP status by which an engine refuses a client of another version: 426.</summary>
    public const int OtherVersionStatus = 426;

    /// <summary>Name of the socket in the store's directory.</summary>
    public const string SocketName = "engine.sock";

    /// <summary>Where the socket lies instead, if the store's file system has none: one line, a path.</summary>
    public const string PlaceName = "engine.at";

    /// <summary>The engine's log in the store's directory.</summary>
    public const string LogName = "engine.log";

    /// <summary>Directory of the tracers' sockets in the store's.</summary>
    public const string TracersName = "tracers";

    /// <summary>Directory of what is being watched, in the store's.</summary>
    public const string WatchesName = "watches";

    /// <summary>How the engine is named as holder of the store's lock.</summary>
    public const string HolderName = "snap engine";

    /// <summary>The variable that says how long an engine stays, and a taken process stays tracked, after the last use: a duration.</summary>
    public const string LingerVariable = "SNAP_ENGINE_LINGER";

    /// <summary>The variable that says how long a tracer waits for the next engine if its own ended without a word: a duration.</summary>
    public const string PatienceVariable = "SNAP_TRACER_PATIENCE";

    /// <summary>The request's header by which a client of Snap says who it is.</summary>
    public const string ClientHeader = "Snap-Client";

    /// <summary>What it says: <c>1 0.1.0</c>.</summary>
    public static string Client => string.Create(CultureInfo.InvariantCulture, $"{Version} {Product}");

    /// <summary>The product's version.</summary>
    public static string Product { get; } = typeof(Protocol).Assembly.GetName().Version?.ToString(3) ?? "unknown";
}

/// <summary>What a starting engine says to the command that started it, in one line, through a pipe.</summary>
/// <param name="Pid">Its pid.</param>
/// <param name="Error">Why it can't start; null: it is ready.</param>
internal sealed record StartWord(int Pid, ErrorMessage? Error);
