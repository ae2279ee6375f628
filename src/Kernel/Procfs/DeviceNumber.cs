using System.Globalization;

namespace Snap.Kernel.Procfs;

/// <summary>A device, as st_dev names a file system and st_rdev a device node.</summary>
/// <param name="Major">Upper part.</param>
/// <param name="Minor">Lower part.</param>
public readonly record struct DeviceNumber(uint Major, uint Minor)
{
    /// <summary>From the 64-bit form of stat(2), whose bits are interleaved for history's sake.</summary>
    public static DeviceNumber FromStat(ulong device) => new(
        (uint)(((device >> 8) & 0xFFF) | ((device >> 32) & 0xFFFFF000)),
        (uint)((device & 0xFF) | ((device >> 12) & 0xFFFFFF00)));

    /// <summary>From the kernel's own 32-bit form (12 and 20 bits), as <c>sdev:</c> in fdinfo shows it.</summary>
    public static DeviceNumber FromKernel(uint device) => new(device >> 20, device & 0xFFFFF);

    /// <summary>The 64-bit form of stat(2).</summary>
    public ulong ToStat() =>
        ((ulong)(Major & 0xFFF) << 8) | ((ulong)(Major & 0xFFFFF000) << 32) | (Minor & 0xFF) | ((ulong)(Minor & 0xFFFFFF00) << 12);

    /// <summary>As in maps: <c>fe:00</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major:x2}:{Minor:x2}");
}
