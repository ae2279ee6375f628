using Snap.Engine.Api;

namespace Snap.Cli.Output;

/// <summary>What engine status prints.</summary>
internal sealed record EngineJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>An engine is running; else all that follows is null.</summary>
    public required bool Running { get; init; }
    /// <summary>What it says of itself.</summary>
    public required EngineStatus? Engine { get; init; }
}

/// <summary>What engine stop prints.</summary>
internal sealed record EngineStopJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;
    /// <summary>Pid of the engine that ended; null if none was running.</summary>
    public required int? Pid { get; init; }
    /// <summary>Watches that ended with it.</summary>
    public required int Watches { get; init; }
}
