namespace Snap.Fuzz.Kills;

/// <summary>A target or a snapshot didn't survive.</summary>
internal sealed class HarmException(string message) : Exception(message);
