using System.Globalization;
using Snap.Image;
using Snap.Kernel.Procfs;
using ImageMappingKind = Snap.Image.MappingKind;
using KernelMappingKind = Snap.Kernel.Procfs.MappingKind;

namespace Snap.Restorer.Checks;

/// <summary>Is this the machine, the boot and the kernel for it?</summary>
internal static class HostCheck
{
    private const int MaxVersionedRelease = 64;

    public static void Run(SnapshotImage image, RestoreOptions options, Obstacles obstacles)
    {
        if (SystemFiles.ReadBootId() == image.Host.BootId)
        {
            // Same boot: same kernel, same processor. The vdso may still lie in pieces.
            CheckVdso(image, obstacles);
            return;
        }

        if (!options.AcceptOtherBoot)
            obstacles.Add(ErrorCatalogue.OtherBoot, "cannot restore: the machine was restarted since the snapshot, or it is another one",
                where: $"taken on {image.Host.HostName}, boot {image.Host.BootId}",
                why: "the monotonic clock began anew, and times that the process remembers would lie in the future",
                toDo: "allow it only for programs that don't mind");
        string release = SystemFiles.ReadKernelRelease();
        if (release != image.Host.KernelRelease)
            obstacles.Add(ErrorCatalogue.KernelDiffers, "cannot restore: the process was taken under another kernel",
                where: $"this kernel: {Shorten(release)}; the snapshot's: {Shorten(image.Host.KernelRelease)}",
                why: "the process has addresses in the old kernel's vdso", toDo: "start the kernel it was taken under");
        else
            CheckVdso(image, obstacles);
        var features = SystemFiles.ReadCpuInfo().Flags.ToHashSet();
        string[] missing = [.. image.Host.CpuFlags.Where(flag => !features.Contains(flag))];
        if (missing.Length > 0)
            obstacles.Add(ErrorCatalogue.ProcessorDiffers, "cannot restore: this processor lacks features that the process may have chosen to use",
                why: $"missing: {string.Join(' ', missing)}", toDo: "restore on a machine with these features");
    }

    // The kernel maps [vvar], [vvar_vclock] and [vdso] in one piece, as in ourselves; where a process has moved one of them, we can't follow.
    private static void CheckVdso(SnapshotImage image, Obstacles obstacles)
    {
        (ulong Length, bool IsCode)[] ours = [.. TaskFiles.Self.ReadMaps()!
            .Where(map => map.Kind is KernelMappingKind.Vdso or KernelMappingKind.Vvar or KernelMappingKind.VvarVclock)
            .Select(map => (map.Length, map.Kind == KernelMappingKind.Vdso))];
        foreach (ProcessImage process in image.Processes)
        {
            MappingImage[] theirs = [.. process.Mappings.Where(mapping => mapping.Kind is ImageMappingKind.Vdso or ImageMappingKind.Vvar)];
            if (theirs.Length == 0)
                continue;
            bool inOnePiece = theirs.Zip(theirs.Skip(1)).All(pair => pair.First.End == pair.Second.Start);
            if (!inOnePiece || !theirs.Select(map => (map.End - map.Start, map.Kind == ImageMappingKind.Vdso)).SequenceEqual(ours))
                obstacles.Add(ErrorCatalogue.KernelDiffers, $"cannot restore pid {process.Pid}: its vdso isn't laid out as this kernel does it",
                    where: string.Join(", ", theirs.Select(map => map.ToString())),
                    why: string.Create(CultureInfo.InvariantCulture, $"here it is {string.Join(" + ", ours.Select(map => $"{map.Length >> 10} KiB"))} in one piece"));
        }
    }

    private static string Shorten(string text) => text.Length <= MaxVersionedRelease ? text : text[..MaxVersionedRelease];
}
