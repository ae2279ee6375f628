namespace Snap.Kernel.Procfs;

/// <summary>The first processor of /proc/cpuinfo.</summary>
/// <param name="Vendor"><c>GenuineIntel</c>.</param>
/// <param name="Model">As people call it.</param>
/// <param name="Flags">Features by the kernel's names (<c>avx512f</c>), as listed.</param>
public sealed record CpuInfo(string Vendor, string Model, IReadOnlyList<string> Flags)
{
    /// <summary>Parses the text up to the first empty line. What is missing is "" or empty: virtual machines leave out what they like.</summary>
    public static CpuInfo Parse(ReadOnlySpan<byte> text)
    {
        string vendor = "", model = "";
        List<string> flags = [];
        var lines = new AsciiCursor(text, "cpuinfo");
        while (lines.TryLine(out ReadOnlySpan<byte> line) && !line.IsEmpty)
        {
            int colon = line.IndexOf((byte)':');
            if (colon < 0)
                continue;
            ReadOnlySpan<byte> key = line[..colon].Trim(" \t"u8), value = line[(colon + 1)..].Trim(" \t"u8);
            if (key.SequenceEqual("vendor_id"u8))
                vendor = KernelText.Decode(value);
            else if (key.SequenceEqual("model name"u8))
                model = KernelText.Decode(value);
            else if (key.SequenceEqual("flags"u8))
                flags = [.. KernelText.Decode(value).Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        }

        return new CpuInfo(vendor, model, flags);
    }
}
