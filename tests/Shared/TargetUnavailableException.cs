namespace Snap.Testing;

/// <summary>A target program says that this machine hasn't what it shows; the test should be skipped with this message.</summary>
public sealed class TargetUnavailableException(string message) : Exception(message);
