using System.Collections.Frozen;

namespace Snap.Kernel.Procfs;

/// <summary>The letters of each of <see cref="VmFlags"/>.</summary>
public static class VmFlagNames
{
    private static readonly (string Letters, VmFlags Flag)[] Table =
    [
        ("rd", VmFlags.Readable), ("wr", VmFlags.Writable), ("ex", VmFlags.Executable), ("sh", VmFlags.Shared),
        ("mr", VmFlags.MayRead), ("mw", VmFlags.MayWrite), ("me", VmFlags.MayExecute), ("ms", VmFlags.MayShare),
        ("gd", VmFlags.GrowsDown), ("pf", VmFlags.PureFrames), ("dw", VmFlags.DenyWrite), ("lo", VmFlags.Locked),
        ("io", VmFlags.InputOutput), ("sr", VmFlags.SequentialRead), ("rr", VmFlags.RandomRead), ("dc", VmFlags.DontCopyOnFork),
        ("de", VmFlags.DontExpand), ("ac", VmFlags.Accounted), ("nr", VmFlags.NoReserve), ("ht", VmFlags.HugeTlb),
        ("sf", VmFlags.SynchronousFault), ("ar", VmFlags.ArchitectureSpecific), ("wf", VmFlags.WipeOnFork), ("dd", VmFlags.DontDump),
        ("sd", VmFlags.SoftDirty), ("mm", VmFlags.MixedMap), ("hg", VmFlags.HugePageAdvised), ("nh", VmFlags.NoHugePageAdvised),
        ("mg", VmFlags.Mergeable), ("um", VmFlags.UffdMissing), ("uw", VmFlags.UffdWriteProtect), ("ui", VmFlags.UffdMinor),
        ("ss", VmFlags.ShadowStack), ("sl", VmFlags.Sealed), ("lf", VmFlags.LockOnFault), ("dp", VmFlags.Droppable),
        ("gu", VmFlags.MaybeGuard), ("mt", VmFlags.MemoryTagging), ("bt", VmFlags.BranchTargets), ("mp", VmFlags.BoundsTables),
        ("nl", VmFlags.NonLinear),
    ];

    private static readonly FrozenDictionary<ushort, VmFlags> ByLetters =
        Table.ToFrozenDictionary(row => Key((byte)row.Letters[0], (byte)row.Letters[1]), row => row.Flag);

    /// <summary>The words of <paramref name="flags"/> as smaps writes them, without the unknown ones.</summary>
    public static string Format(VmFlags flags) => string.Join(' ', Table.Where(row => (flags & row.Flag) != 0).Select(row => row.Letters));

    internal static bool TryFind(ReadOnlySpan<byte> word, out VmFlags flag)
    {
        flag = VmFlags.None;
        return word.Length == 2 && ByLetters.TryGetValue(Key(word[0], word[1]), out flag);
    }

    private static ushort Key(byte first, byte second) => (ushort)((first << 8) | second);
}
