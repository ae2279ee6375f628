using System.Buffers.Binary;
using Snap.Image;

namespace Snap.Restorer.Tool;

/// <summary>The pages of a capture in one file: space u32, page u64, 4096 bytes, each, ascending.</summary>
public sealed class SavedPages : IPageSource
{
    private const int HeaderSize = 12, RecordSize = HeaderSize + PageRange.PageSize;

    private readonly byte[] _file;
    private readonly Dictionary<(SpaceId, ulong), int> _offsets = [];
    private readonly List<(SpaceId Space, PageRange Range)> _runs = [];

    /// <summary>Reads such a file.</summary>
    public SavedPages(string path)
    {
        _file = File.ReadAllBytes(path);
        for (int at = 0; at < _file.Length; at += RecordSize)
        {
            var space = new SpaceId(BinaryPrimitives.ReadUInt32LittleEndian(_file.AsSpan(at)));
            ulong page = BinaryPrimitives.ReadUInt64LittleEndian(_file.AsSpan(at + 4));
            _offsets.Add((space, page), at + HeaderSize);
            if (_runs.Count > 0 && _runs[^1].Space == space && _runs[^1].Range.End == page)
                _runs[^1] = (space, _runs[^1].Range with { Count = _runs[^1].Range.Count + 1 });
            else
                _runs.Add((space, new PageRange(page, 1)));
        }
    }

    /// <summary>Writes pages as this class reads them.</summary>
    public static void Save(string path, IEnumerable<(SpaceId Space, ulong Page, byte[] Bytes)> pages)
    {
        using FileStream file = File.Create(path);
        Span<byte> header = stackalloc byte[HeaderSize];
        foreach ((SpaceId space, ulong page, byte[] bytes) in pages)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(header, space.Value);
            BinaryPrimitives.WriteUInt64LittleEndian(header[4..], page);
            file.Write(header);
            file.Write(bytes);
        }
    }

    /// <inheritdoc/>
    public IEnumerable<(PageRange Range, bool IsZero)> Runs(SpaceId space) => _runs.Where(run => run.Space == space).Select(run => (run.Range, false));

    /// <inheritdoc/>
    public void ReadPages(SpaceId space, ulong firstPage, Span<byte> into)
    {
        for (int at = 0; at < into.Length; at += PageRange.PageSize)
            _file.AsSpan(_offsets[(space, firstPage + (ulong)(at >> PageRange.PageShift))], PageRange.PageSize).CopyTo(into[at..]);
    }
}
