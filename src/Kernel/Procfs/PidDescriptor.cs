namespace Snap.Kernel.Procfs;

/// <summary>What fdinfo shows of a pidfd.</summary>
/// <param name="Pid">The process in our pid namespace; -1 if it has been reaped, 0 if our namespace doesn't see it.</param>
/// <param name="NamespacePids">Its pid in each namespace from ours inward.</param>
public sealed record PidDescriptor(int Pid, IReadOnlyList<int> NamespacePids);
