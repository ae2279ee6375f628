using System.Text;
using Snap.Image;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Collect;

/// <summary>The machine, read once.</summary>
internal static class HostFacts
{
    private static readonly Lazy<(string Name, string Boot, string Release, string[] Flags)> _facts = new(Read);

    /// <summary>Has all facts read now rather than in a pause.</summary>
    public static void Warm() => _ = _facts.Value;

    /// <summary>As the image has it.</summary>
    public static HostImage ToImage(int extendedStateSize) => new()
    {
        HostName = _facts.Value.Name,
        BootId = _facts.Value.Boot,
        KernelRelease = _facts.Value.Release,
        CpuFlags = _facts.Value.Flags,
        ExtendedStateSize = extendedStateSize,
    };

    private static (string, string, string, string[]) Read()
    {
        string[] flags = [.. SystemFiles.ReadCpuInfo().Flags.Order(StringComparer.Ordinal)];
        return (Line("/proc/sys/kernel/hostname"), SystemFiles.ReadBootId(), SystemFiles.ReadKernelRelease(), flags);
    }

    private static string Line(string path) => Encoding.UTF8.GetString(ProcfsFile.Read(path)).TrimEnd('\n');
}
