using System.Globalization;
using Snap.Kernel;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Procfs;
using Snap.Kernel.Syscalls;

namespace Snap.Dumper.Collect;

/// <summary>All descriptors of a process, grouped by the open file description they share.</summary>
/// <remarks>The directory is kept open: opening it anew would allocate in the pause.</remarks>
internal sealed class DescriptorTable(int pid) : IDisposable
{
    private DirectoryReader? _directory;
    private readonly List<int> _numbers = [];
    private readonly ProcText _text = new();

    /// <summary>Descriptors in ascending order.</summary>
    public List<OpenDescriptor> Descriptors { get; } = [];

    /// <summary>Descriptions in the order of their first descriptor; <see cref="OpenDescription.Id"/> is the index until <see cref="TreeDescriptions"/> numbers those of a tree.</summary>
    public List<OpenDescription> Descriptions { get; } = [];

    /// <summary>The process.</summary>
    public int Pid => pid;

    /// <summary>Some file is open with O_DIRECT: memory may change by DMA, which no tracker sees.</summary>
    public bool HasDirectIo => Descriptors.Exists(IsDirect);

    /// <summary>Signals that some signalfd takes.</summary>
    public ulong SignalsTaken => Descriptors.Aggregate(0UL, (mask, descriptor) => mask | (descriptor.Info.SignalMask ?? 0));

    /// <summary>Reads the table anew.</summary>
    /// <returns>False if the process is gone.</returns>
    /// <exception cref="KernelException">No right to look; kcmp(2) missing.</exception>
    public bool TryRead()
    {
        Descriptors.Clear();
        Descriptions.Clear();
        if (!TryList())
            return false;
        _numbers.Sort();
        foreach (int number in _numbers)
        {
            if (Read(number) is { } descriptor)
                Descriptors.Add(descriptor);
        }

        Group();
        return true;
    }

    /// <summary>True if a file is open with O_DIRECT, found without reading more than needed.</summary>
    public bool SeesDirectIo()
    {
        if (!TryList())
            return false;
        foreach (int number in _numbers)
        {
            if (_text.TryRead(Path("fdinfo", number), out ReadOnlySpan<byte> text) && (FlagsOf(text) & Fcntl.O_DIRECT) != 0
                && Read(number) is { } descriptor && IsDirect(descriptor))
                return true;
        }

        return false;
    }

    /// <summary>The description behind a descriptor; null if it isn't open.</summary>
    public OpenDescription? Find(int number) => Descriptions.Find(description => description.Descriptors.Exists(one => one.Number == number));

    /// <inheritdoc/>
    public void Dispose() => _directory?.Dispose();

    // An empty list may also mean that the process is gone; its other files will tell.
    private bool TryList()
    {
        _directory ??= DirectoryReader.OpenOrGone(Path("fd"));
        _directory?.TryList(_numbers);
        return _directory is not null;
    }

    private static bool IsDirect(OpenDescriptor descriptor) =>
        (descriptor.Info.Flags & Fcntl.O_DIRECT) != 0 && descriptor.FileType is Stat.S_IFREG or Stat.S_IFBLK;

    private OpenDescriptor? Read(int number)
    {
        string link = Path("fd", number);
        if (ProcfsFile.ReadLinkOrGone(link) is not { } target || !_text.TryRead(Path("fdinfo", number), out ReadOnlySpan<byte> text))
            return null;
        SyscallResult looked = FileDescriptor.TryStat(link, out stat found);
        if (looked.Errno == Errno.ENOENT)
            return null;
        looked.OrThrow("stat of " + link);
        return new OpenDescriptor(number, DescriptorTarget.Parse(target), DescriptorInfoParser.Parse(text), found);
    }

    // Only descriptors that look alike in everything dup shares can be one description; among those kcmp decides.
    private void Group()
    {
        var alike = new Dictionary<(ulong, ulong, uint, long, string), AlikeDescriptions>();
        foreach (OpenDescriptor descriptor in Descriptors)
        {
            if (!alike.TryGetValue(descriptor.Likeness, out AlikeDescriptions? group))
                alike.Add(descriptor.Likeness, group = new AlikeDescriptions());
            if (group.Find(pid, descriptor.Number, mayBeGone: false, out int place) is { } known)
            {
                known.Descriptors.Add(descriptor);
                continue;
            }

            var description = new OpenDescription(Descriptions.Count, descriptor);
            Descriptions.Add(description);
            group.Insert(place, pid, description);
        }
    }

    private static uint FlagsOf(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> key = "\nflags:\t"u8;
        int start = text.IndexOf(key);
        uint flags = 0;
        if (start < 0)
            return flags;
        foreach (byte digit in text[(start + key.Length)..])
        {
            if (digit is < (byte)'0' or > (byte)'7')
                break;
            flags = (flags << 3) | (uint)(digit - '0');
        }

        return flags;
    }

    private string Path(string directory) => string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/{directory}");

    private string Path(string directory, int number) => string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/{directory}/{number}");
}
