using System.Text;
using System.Text.Unicode;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Collect;

/// <summary>Bytes of the kernel as text of an image: UTF-8 where they are, else Latin-1, a character a byte.</summary>
internal static class ImageText
{
    /// <summary>The text of <paramref name="bytes"/>.</summary>
    public static string Of(ReadOnlySpan<byte> bytes) => Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : Encoding.Latin1.GetString(bytes);

    /// <summary>The text of what <see cref="KernelText"/> made of bytes.</summary>
    public static string Of(string kernelText) => KernelText.IsPlain(kernelText) ? kernelText : Encoding.Latin1.GetString(KernelText.Encode(kernelText));
}
