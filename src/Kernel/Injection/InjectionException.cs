namespace Snap.Kernel.Injection;

/// <summary>Calls could not be made inside the target, which was left as it was.</summary>
/// <param name="reason">Why, as a sentence.</param>
/// <param name="targetGone">True if the target ended meanwhile.</param>
public sealed class InjectionException(string reason, bool targetGone = false) : Exception(reason)
{
    /// <summary>True if the target ended meanwhile.</summary>
    public bool TargetGone { get; } = targetGone;
}
