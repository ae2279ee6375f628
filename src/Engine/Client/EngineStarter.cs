using System.Globalization;
using System.Text.Json;
using Snap.Engine.Api;
using Snap.Image;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Engine.Client;

/// <summary>Starts the engine of a store as a process of its own, that outlives the command, its terminal and its session.</summary>
internal static class EngineStarter
{
    /// <summary>Descriptor on which it says that it is ready, or why it isn't.</summary>
    public const int WordNumber = 3;

    /// <summary>Starts one.</summary>
    /// <returns>Null: it is ready. Else why it could not start; S0501 also if another engine was quicker.</returns>
    public static SnapException? TryStart(string store)
    {
        string[] program = [Program(), "engine", "run", "--store", store, "--word", WordNumber.ToString(CultureInfo.InvariantCulture)];
        // A service manager ends what a session or a service leaves behind: there, a scope of its own lets the engine stay.
        if (Scope(store) is { } scope && TryStart(store, [.. scope, .. program], out SnapException? failure))
            return failure;
        return TryStart(store, program, out failure) ? failure
            : new SnapException(ErrorCatalogue.EngineNotStarted, "the store's engine ended before it was ready", store, toDo: $"see {Path.Combine(store, Protocol.LogName)}; SNAP_ENGINE=off does without one");
    }

    /// <summary>The command before the engine's own that gives it a scope of systemd's; null where there is none.</summary>
    internal static string[]? Scope(string store, string systemd = "/run/systemd/system")
    {
        if (!Directory.Exists(systemd))
            return null;
        bool isRoot = OwnProcess.EffectiveUser == 0;
        if (!isRoot && !(Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { } runtime && Path.Exists(Path.Combine(runtime, "systemd/private"))))
            return null;
        string[] manager = isRoot ? [] : ["--user"];
        return ["systemd-run", .. manager, "--scope", "--quiet", "--collect", "--description", $"Snap's engine for {store}", "--"];
    }

    /// <returns>False if it ended without a word.</returns>
    private static bool TryStart(string store, string[] command, out SnapException? failure)
    {
        failure = null;
        (FileDescriptor ours, FileDescriptor theirs) = FileDescriptor.CreatePipe();
        using (ours)
        {
            using (theirs)
            using (FileDescriptor nothing = FileDescriptor.Open("/dev/null", Fcntl.O_RDWR))
            {
                try
                {
                    ChildProcess.Start(new SpawnOptions
                    {
                        Program = command[0],
                        ProgramName = command[0] == "/proc/self/exe" ? "snap" : null,
                        Arguments = command[1..],
                        // A fault is meant for the command that it was given to.
                        Environment = new Dictionary<string, string?> { [Fault.Variable] = null, ["SNAP_STORE"] = store },
                        Descriptors = new Dictionary<int, FileDescriptor> { [0] = nothing, [1] = nothing, [2] = nothing, [WordNumber] = theirs },
                        CloseOthers = true,
                        WorkingDirectory = "/",
                        NewSession = true,
                    });
                }
                catch (KernelException failed)
                {
                    failure = new SnapException(ErrorCatalogue.EngineNotStarted, "the store's engine can't be started", command[0], failed.Message, "SNAP_ENGINE=off does without one", failed);
                    return command[0] != "systemd-run";
                }
            }

            using var said = new MemoryStream();
            byte[] buffer = new byte[4096];
            while ((int)ours.TryRead(buffer).OrThrow("read") is > 0 and int got)
                said.Write(buffer, 0, got);
            if (said.Length == 0)
                return false;
            failure = JsonSerializer.Deserialize(said.ToArray(), ApiJson.Default.StartWord)?.Error?.ToException();
            return true;
        }
    }

    // The real path for systemd-run, whose own /proc/self/exe is another program.
    private static string Program() => Scope("") is null ? "/proc/self/exe" : Environment.ProcessPath ?? "/proc/self/exe";
}
