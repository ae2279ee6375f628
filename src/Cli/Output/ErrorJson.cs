using Snap.Image;

namespace Snap.Cli.Output;

/// <summary>What --json prints instead of the result when a command fails.</summary>
internal sealed record ErrorReportJson
{
    /// <summary>Version of this shape.</summary>
    public int Schema { get; init; } = CliJson.Schema;

    /// <summary>The failure.</summary>
    public required ErrorJson Error { get; init; }
}

/// <summary>A failure: the parts of its message.</summary>
internal sealed record ErrorJson
{
    /// <summary>Catalogue id; docs/errors.md explains it.</summary>
    public required string Id { get; init; }
    /// <summary>What could not be done.</summary>
    public required string What { get; init; }
    /// <summary>Where it was found.</summary>
    public string? Where { get; init; }
    /// <summary>The fact behind it.</summary>
    public string? Why { get; init; }
    /// <summary>What the user can do.</summary>
    public string? ToDo { get; init; }
    /// <summary>What the command exits with.</summary>
    public required int ExitCode { get; init; }
    /// <summary>Further findings of the same check.</summary>
    public required IReadOnlyList<ErrorJson> Others { get; init; }

    /// <summary>Takes the parts of an exception.</summary>
    public static ErrorJson Of(SnapException failure) => new()
    {
        Id = failure.Kind.Id,
        What = failure.What,
        Where = failure.Where,
        Why = failure.Why,
        ToDo = failure.ToDo,
        ExitCode = (int)failure.Kind.ExitCode,
        Others = [.. failure.Others.Select(Of)],
    };
}
