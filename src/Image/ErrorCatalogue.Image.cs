namespace Snap.Image;

/// <content>S052: a snapshot's process image.</content>
public static partial class ErrorCatalogue
{
    /// <summary>The bytes are not an image.</summary>
    public static readonly ErrorKind ImageDamaged = new("S0521", ExitCode.StoreDamaged, "a snapshot's process image can't be decoded");

    /// <summary>The image needs a newer Snap.</summary>
    public static readonly ErrorKind ImageTooNew = new("S0522", ExitCode.StoreDamaged, "a snapshot was made by a newer Snap");
}
