using System.Diagnostics;
using Snap.Image;

namespace Snap.Fuzz.Store;

/// <summary>Gives parsers broken inputs, between guard pages, and watches what they throw, take and allocate.</summary>
internal sealed class StoreFuzzer(ILookup<string, byte[]> corpus, int seed)
{
    private const int MaxInput = 16 << 10;
    private const long MaxAllocated = 96 << 20;
    private static readonly TimeSpan _maxTime = TimeSpan.FromSeconds(5);
    private readonly Random _random = new(seed);
    private readonly GuardedBytes _memory = new(MaxInput);
    private readonly byte[] _buffer = new byte[MaxInput];

    /// <summary>Tries one parser a number of times.</summary>
    /// <returns>Inputs that it accepted.</returns>
    /// <exception cref="InvalidOperationException">It threw what it may not, or took too much; with the input, in hex.</exception>
    public int Run(string name, int count)
    {
        StoreParser parser = StoreParsers.All[name];
        byte[][] seeds = [.. corpus[name]];
        int accepted = 0;
        for (int i = 0; i < count; i++)
        {
            // The corpus itself comes first.
            int length = i < seeds.Length ? Copy(seeds[i]) : Mutate(seeds);
            accepted += Try(name, parser, length, atEnd: i % 2 == 0) ? 1 : 0;
        }
        return accepted;
    }

    private bool Try(string name, StoreParser parser, int length, bool atEnd)
    {
        Span<byte> input = atEnd ? _memory.AtEnd(length) : _memory.AtStart(length);
        _buffer.AsSpan(0, length).CopyTo(input);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long begun = Stopwatch.GetTimestamp();
        bool isAccepted = false;
        try
        {
            parser(input);
            isAccepted = true;
        }
        catch (Exception failure) when (failure is FormatException or SnapException)
        {
            // What a damaged store is told by.
        }
        catch (Exception failure)
        {
            throw Wrong(name, length, $"threw {failure}");
        }
        if (GC.GetAllocatedBytesForCurrentThread() - allocated > MaxAllocated)
            throw Wrong(name, length, $"allocated {GC.GetAllocatedBytesForCurrentThread() - allocated} bytes");
        if (Stopwatch.GetElapsedTime(begun) > _maxTime)
            throw Wrong(name, length, $"took {Stopwatch.GetElapsedTime(begun)}");
        return isAccepted;
    }

    private InvalidOperationException Wrong(string name, int length, string what) =>
        new($"parser {name}, seed {seed}: {what}; input {Convert.ToHexString(_buffer, 0, length)}");

    private int Copy(byte[] input)
    {
        int length = Math.Min(input.Length, MaxInput);
        input.AsSpan(0, length).CopyTo(_buffer);
        return length;
    }

    private int Mutate(byte[][] seeds)
    {
        int length = seeds.Length == 0 || _random.Next(20) == 0 ? Noise() : Copy(seeds[_random.Next(seeds.Length)]);
        for (int changes = 1 << _random.Next(4); changes > 0; changes--)
            length = Change(length, seeds);
        return length;
    }

    private int Noise()
    {
        int length = _random.Next(200);
        _random.NextBytes(_buffer.AsSpan(0, length));
        return length;
    }

    private int Change(int length, byte[][] seeds)
    {
        if (length == 0)
            return Noise();
        int at = _random.Next(length);
        switch (_random.Next(7))
        {
            case 0:
                _buffer[at] ^= (byte)(1 << _random.Next(8));
                return length;
            case 1:
                _buffer[at] = (byte)_random.Next(256);
                return length;
            case 2:
                return at;
            case 3:
                // A varint of the largest numbers.
                int run = Math.Min(_random.Next(1, 11), length - at);
                _buffer.AsSpan(at, run).Fill(0xFF);
                _buffer[at + run - 1] = (byte)_random.Next(128);
                return length;
            case 4:
                int removed = Math.Min(_random.Next(1, 9), length - at);
                _buffer.AsSpan(at + removed, length - at - removed).CopyTo(_buffer.AsSpan(at));
                return length - removed;
            case 5:
                int added = Math.Min(_random.Next(1, 9), MaxInput - length);
                _buffer.AsSpan(at, length - at).CopyTo(_buffer.AsSpan(at + added));
                _random.NextBytes(_buffer.AsSpan(at, added));
                return length + added;
            default:
                byte[] other = seeds.Length == 0 ? [] : seeds[_random.Next(seeds.Length)];
                int spliced = Math.Min(_random.Next(0, 40), Math.Min(other.Length, MaxInput - at));
                other.AsSpan(other.Length - spliced, spliced).CopyTo(_buffer.AsSpan(at));
                return Math.Max(length, at + spliced);
        }
    }
}
