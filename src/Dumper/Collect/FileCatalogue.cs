using Snap.Image;
using Snap.Kernel.Abi;

namespace Snap.Dumper.Collect;

/// <summary>The files of one image, each once, with build ids that are remembered from one image to the next.</summary>
internal sealed class FileCatalogue
{
    private readonly Dictionary<(ulong, ulong, long, long), string?> _buildIds = [];
    private readonly Dictionary<(string, ulong, ulong), int> _indexes = [];
    private readonly List<FileImage> _files = [];

    /// <summary>Begins another image.</summary>
    public void Clear()
    {
        _indexes.Clear();
        _files.Clear();
    }

    /// <summary>Adds a file, or what is new about one that is in already.</summary>
    /// <returns>Its index.</returns>
    public int Add(string path, in stat file, bool isMapped, bool isWritable)
    {
        var key = (path, file.st_dev, file.st_ino);
        if (_indexes.TryGetValue(key, out int index))
        {
            FileImage known = _files[index];
            bool mappedToo = known.IsMapped || isMapped;
            _files[index] = known with { IsMapped = mappedToo, IsWritable = known.IsWritable || isWritable, BuildId = known.BuildId ?? (mappedToo ? BuildIdOf(path, file) : null) };
            return index;
        }

        _indexes.Add(key, _files.Count);
        _files.Add(new FileImage
        {
            Path = path,
            Device = file.st_dev,
            Inode = file.st_ino,
            Mode = file.st_mode,
            Length = (ulong)file.st_size,
            ModifiedNanoseconds = ModifiedOf(file),
            BuildId = isMapped ? BuildIdOf(path, file) : null,
            IsMapped = isMapped,
            IsWritable = isWritable,
        });
        return _files.Count - 1;
    }

    /// <summary>All files added since <see cref="Clear"/>.</summary>
    public IReadOnlyList<FileImage> ToImages() => [.. _files];

    private string? BuildIdOf(string path, in stat file)
    {
        var key = (file.st_dev, file.st_ino, ModifiedOf(file), file.st_size);
        if (!_buildIds.TryGetValue(key, out string? id))
            _buildIds.Add(key, id = ((int)file.st_mode & Stat.S_IFMT) == Stat.S_IFREG ? ElfBuildId.ReadOrNull(path) : null);
        return id;
    }

    private static long ModifiedOf(in stat file) => (file.st_mtime_sec * 1_000_000_000) + file.st_mtime_nsec;
}
