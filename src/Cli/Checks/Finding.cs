namespace Snap.Cli.Checks;

/// <summary>What one probe of the machine found.</summary>
/// <param name="Feature">A short name that doesn't change.</param>
/// <param name="IsPresent">It is there.</param>
/// <param name="Detail">What was found: a version, an errno.</param>
/// <param name="CostIfAbsent">What can't be done, or is slower, without it.</param>
internal sealed record Finding(string Feature, bool IsPresent, string Detail, string CostIfAbsent);
