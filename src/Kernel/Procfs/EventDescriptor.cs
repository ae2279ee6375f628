namespace Snap.Kernel.Procfs;

/// <summary>What fdinfo shows of an eventfd.</summary>
/// <param name="Count">Its counter.</param>
/// <param name="Id">The same for all descriptors of one eventfd, -1 before Linux 5.2.</param>
/// <param name="IsSemaphore">EFD_SEMAPHORE; null before Linux 6.5, which doesn't show it.</param>
public sealed record EventDescriptor(ulong Count, long Id, bool? IsSemaphore);
