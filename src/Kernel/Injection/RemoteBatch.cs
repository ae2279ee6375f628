using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Snap.Kernel.Abi;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Injection;

/// <summary>A table of system calls that a target makes in one stop, with the data they point to.</summary>
/// <remarks>Laid out in the agent's data area as entries of 64 bytes first (nr, a0..a5, result), then the entries behind the stop, then the data.</remarks>
public sealed class RemoteBatch
{
    internal const int EntrySize = 64;

    private readonly ulong[] _entries;
    private readonly ulong[] _after = new ulong[8 * 8];
    private readonly byte[] _data;
    private readonly ulong _dataStart;
    private int _dataUsed;

    internal RemoteBatch(RemoteAddress area, int length, int maxCalls)
    {
        Area = area;
        MaxCalls = maxCalls;
        _entries = new ulong[maxCalls * 8];
        int before = maxCalls * EntrySize + _after.Length * sizeof(ulong);
        _data = new byte[length - before];
        _dataStart = area.Value + (ulong)before;
    }

    /// <summary>Calls that fit.</summary>
    public int MaxCalls { get; }

    /// <summary>Calls added so far.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of data that still fit.</summary>
    public int DataLeft => _data.Length - _dataUsed;

    internal RemoteAddress Area { get; }

    internal int AfterCount { get; private set; }

    internal RemoteAddress AfterStart => new(Area.Value + (ulong)(MaxCalls * EntrySize));

    internal ReadOnlySpan<byte> EntryBytes => MemoryMarshal.AsBytes(_entries.AsSpan(0, Count * 8));

    internal ReadOnlySpan<byte> AfterBytes => MemoryMarshal.AsBytes(_after.AsSpan(0, AfterCount * 8));

    internal ReadOnlySpan<byte> DataBytes => _data.AsSpan(0, _dataUsed);

    internal RemoteAddress DataStart => new(_dataStart);

    /// <summary>Forgets all calls and data, to be filled again.</summary>
    public void Clear()
    {
        Count = 0;
        AfterCount = 0;
        _dataUsed = 0;
    }

    /// <summary>Adds a call.</summary>
    /// <returns>Its index, for <see cref="Result"/>.</returns>
    /// <exception cref="InvalidOperationException">The table is full.</exception>
    public int Add(SyscallNumber number, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0, ulong e = 0, ulong f = 0)
    {
        if (Count == MaxCalls)
            throw new InvalidOperationException($"a batch holds {MaxCalls} calls");
        Span<ulong> entry = _entries.AsSpan(Count * 8, 8);
        // No descriptor is numbered -1: a call behind the stop that takes this result before there is one does nothing.
        (entry[0], entry[1], entry[2], entry[3], entry[4], entry[5], entry[6], entry[7]) = ((ulong)number, a, b, c, d, e, f, ulong.MaxValue);
        return Count++;
    }

    /// <summary>Makes this a batch of one call, which closes what the only call before it made.</summary>
    /// <remarks>
    /// Should we be gone before it is made, the calls behind the stop of the earlier run close the descriptor: its number stays where they look
    /// for it until then.
    /// </remarks>
    public void ReplaceByClose()
    {
        if (Count != 1 || AfterCount != 1)
            throw new InvalidOperationException("nothing that would be closed if abandoned");
        AfterCount = 0;
        (_entries[0], _entries[1]) = ((ulong)SyscallNumber.close, _entries[7]);
    }

    /// <summary>Has the target close, should we be gone by then, the descriptor that call <paramref name="index"/> makes.</summary>
    public void CloseIfAbandoned(int index)
    {
        Span<ulong> entry = _after.AsSpan(AfterCount * 8, 8);
        entry.Clear();
        entry[0] = (ulong)SyscallNumber.close;
        entry[1] = Area.Value + (ulong)(index * EntrySize + 56);
        AfterCount++;
    }

    /// <summary>Where the result of call <paramref name="index"/> will be in the target: lets a later call take it by reference.</summary>
    public RemoteAddress ResultAddress(int index) => new(Area.Value + (ulong)(index * EntrySize + 56));

    /// <summary>Room for <paramref name="length"/> bytes, zeroed, 16-byte aligned, that calls can point to.</summary>
    /// <exception cref="InvalidOperationException">No room left.</exception>
    public RemoteAddress Reserve(int length)
    {
        int start = (_dataUsed + 15) & ~15;
        if (start + length > _data.Length)
            throw new InvalidOperationException("a batch's data area is full");
        _data.AsSpan(_dataUsed, start + length - _dataUsed).Clear();
        _dataUsed = start + length;
        return new RemoteAddress(_dataStart + (ulong)start);
    }

    /// <summary>Puts bytes where calls can point to them.</summary>
    public RemoteAddress Put(ReadOnlySpan<byte> bytes)
    {
        RemoteAddress address = Reserve(bytes.Length);
        bytes.CopyTo(_data.AsSpan((int)(address.Value - _dataStart)));
        return address;
    }

    /// <summary>Puts one value where calls can point to it.</summary>
    public RemoteAddress Put<T>(in T value)
        where T : unmanaged => Put(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(in value, 1)));

    /// <summary>Puts a zero-terminated UTF-8 string where calls can point to it.</summary>
    public RemoteAddress PutText(string text) => Put(Encoding.UTF8.GetBytes(text + '\0'));

    /// <summary>What call <paramref name="index"/> returned; valid after the batch ran.</summary>
    public SyscallResult Result(int index) => new((long)_entries[(index * 8) + 7]);

    /// <summary>Data as it is in the target after the batch ran.</summary>
    public ReadOnlySpan<byte> Data(RemoteAddress address, int length) => _data.AsSpan((int)(address.Value - _dataStart), length);

    /// <summary>One value as it is in the target after the batch ran.</summary>
    public T Data<T>(RemoteAddress address)
        where T : unmanaged => MemoryMarshal.Read<T>(_data.AsSpan((int)(address.Value - _dataStart)));

    /// <summary>A 64-bit value as it is in the target after the batch ran.</summary>
    public ulong DataUInt64(RemoteAddress address) => BinaryPrimitives.ReadUInt64LittleEndian(_data.AsSpan((int)(address.Value - _dataStart)));

    internal Span<byte> EntriesToFill => MemoryMarshal.AsBytes(_entries.AsSpan(0, Count * 8));

    internal Span<byte> DataToFill => _data.AsSpan(0, _dataUsed);
}
