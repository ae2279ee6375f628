using Snap.Image;
using Snap.Store;

namespace Snap.Engine.Client;

/// <summary>How a command comes to an engine.</summary>
public static class EngineAccess
{
    /// <summary>The variable that, set to <c>off</c>, keeps the engine inside the command.</summary>
    public const string Variable = "SNAP_ENGINE";

    /// <summary>True if the engine shall live in this process.</summary>
    public static bool IsOff => Environment.GetEnvironmentVariable(Variable) == "off";

    /// <summary>The store's own engine, started if need be; or one in this process, if that was asked for.</summary>
    /// <param name="store">The store's directory.</param>
    /// <param name="mustExist">Refuse a directory without a store.</param>
    /// <param name="progress">Called with what takes long; only by an engine in this process.</param>
    /// <exception cref="SnapException">The store can't be opened, or is written by somebody else.</exception>
    public static IEngine Open(string store, bool mustExist = false, Action<string>? progress = null)
    {
        string directory = Path.GetFullPath(store);
        if (!IsOff)
            return new RemoteEngine(directory, mustExist);
        MakeWay(directory);
        return new LocalEngine(SnapEngine.Open(directory, new EngineOptions { MustExist = mustExist, Store = new StoreOptions { Progress = progress } }));
    }

    /// <summary>The engine of a store, if one is running.</summary>
    /// <exception cref="SnapException">It is another user's.</exception>
    public static RemoteEngine? FindRunning(string store)
    {
        var engine = new RemoteEngine(Path.GetFullPath(store), mustExist: true);
        return engine.IsRunning() ? engine : null;
    }

    /// <summary>Where no engine is running: lets go what one that ended without a word has left to the next, tracers and watches.</summary>
    /// <returns>How many.</returns>
    public static (int Tracers, int Watches) LetGoWhatIsLeft(string store)
    {
        string directory = Path.GetFullPath(store);
        return (new OrphanedTracers(directory).LetGoAll(), new Server.WatchRecords(directory).RemoveAll());
    }

    /// <summary>Lets an engine that has nothing to do end, so that this process can write the store itself.</summary>
    public static void MakeWay(string store)
    {
        if (FindRunning(store) is not { } running)
            return;
        try
        {
            running.Stop(ifIdle: true);
        }
        catch (SnapException busy) when (busy.Kind == ErrorCatalogue.EngineBusy)
        {
            // Opening the store says by whom it is written.
        }
    }
}
