namespace Snap.Image;

/// <summary>One descriptor of a process.</summary>
/// <param name="Number">The fd.</param>
/// <param name="CloseOnExec">FD_CLOEXEC.</param>
/// <param name="Description"><see cref="DescriptionImage.Id"/> of the open file description behind it.</param>
public sealed record DescriptorImage(int Number, bool CloseOnExec, int Description);
