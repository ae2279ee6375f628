using System.Globalization;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Procfs;

namespace Snap.Dumper.Collect;

/// <summary>What /proc/PID/task/TID/status of every frozen thread tells: above all whether calls may be made in it at all.</summary>
/// <remarks>
/// Read anew in each pause over kept descriptors, because a call made in a thread that entered seccomp a moment ago kills it. Credentials of
/// other threads are compared as text with the leader's, without taking them apart: they differ only in programs that bypass libc.
/// </remarks>
internal sealed class ThreadStatuses(int pid) : IDisposable
{
    private readonly Dictionary<int, FileDescriptor> _files = [];
    private readonly List<int> _seen = [];
    private readonly List<int> _unseen = [];
    private readonly ProcText _text = new();
    private byte[] _leaderCredentials = new byte[512];
    private int _leaderCredentialsLength;

    /// <summary>Status of the first thread, whole.</summary>
    public ProcStatus First { get; private set; } = null!;

    /// <summary>Signals pending anywhere in the process.</summary>
    public ulong Pending { get; private set; }

    /// <summary>A thread under seccomp, 0 if none.</summary>
    public int FilteredThread { get; private set; }

    /// <summary>That thread's mode: 1 strict, 2 filter.</summary>
    public int FilteredMode { get; private set; }

    /// <summary>A thread whose user, groups or capabilities aren't the first one's, 0 if none.</summary>
    public int DifferingThread { get; private set; }

    /// <summary>Reads the statuses of the threads.</summary>
    /// <returns>False if one is gone.</returns>
    public bool TryRead(IReadOnlyList<int> tids)
    {
        Pending = 0;
        FilteredThread = FilteredMode = DifferingThread = 0;
        _seen.Clear();
        foreach (int tid in tids)
        {
            _seen.Add(tid);
            // A kept descriptor may be that of an earlier thread of the same number: then it says "gone", and a new one is opened.
            if (!TryReadKept(tid, out ReadOnlySpan<byte> text) && !TryReadKept(tid, out text))
                return false;
            Take(tid, text, isFirst: tid == tids[0]);
        }

        CloseUnseen();
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (FileDescriptor file in _files.Values)
            file.Dispose();
        _files.Clear();
    }

    private bool TryReadKept(int tid, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (!_files.TryGetValue(tid, out FileDescriptor? file))
        {
            string path = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/task/{tid}/status");
            if (FileDescriptor.TryOpen(path, Fcntl.O_RDONLY, 0, out file).IsError)
                return false;
            _files.Add(tid, file!);
        }

        if (_text.TryRead(file!, out text))
            return true;
        file!.Dispose();
        _files.Remove(tid);
        return false;
    }

    private void Take(int tid, ReadOnlySpan<byte> text, bool isFirst)
    {
        if (isFirst)
        {
            First = ProcStatusParser.Parse(text);
            Pending = First.SharedPendingSignals;
            _leaderCredentialsLength = CopyCredentials(text, ref _leaderCredentials);
        }
        else if (DifferingThread == 0 && !HasLeaderCredentials(text))
        {
            DifferingThread = tid;
        }

        Pending |= Hex(text, "SigPnd:\t"u8);
        int seccomp = (int)Hex(text, "\nSeccomp:\t"u8);
        if (seccomp != 0 && FilteredThread == 0)
            (FilteredThread, FilteredMode) = (tid, seccomp);
    }

    // The lines Uid, Gid; Groups; CapInh..NoNewPrivs. What lies between them differs from thread to thread.
    private static int CopyCredentials(ReadOnlySpan<byte> text, ref byte[] into)
    {
        ReadOnlySpan<byte> ids = Between(text, "\nUid:"u8, "\nFDSize:"u8), groups = Between(text, "\nGroups:"u8, "\nNStgid:"u8),
            capabilities = Between(text, "\nCapInh:"u8, "\nSeccomp:"u8);
        int length = ids.Length + groups.Length + capabilities.Length;
        if (into.Length < length)
            into = new byte[length];
        ids.CopyTo(into);
        groups.CopyTo(into.AsSpan(ids.Length));
        capabilities.CopyTo(into.AsSpan(ids.Length + groups.Length));
        return length;
    }

    private bool HasLeaderCredentials(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> ids = Between(text, "\nUid:"u8, "\nFDSize:"u8), groups = Between(text, "\nGroups:"u8, "\nNStgid:"u8),
            capabilities = Between(text, "\nCapInh:"u8, "\nSeccomp:"u8);
        ReadOnlySpan<byte> leader = _leaderCredentials.AsSpan(0, _leaderCredentialsLength);
        return leader.Length == ids.Length + groups.Length + capabilities.Length && leader.StartsWith(ids)
            && leader[ids.Length..].StartsWith(groups) && leader.EndsWith(capabilities);
    }

    private static ReadOnlySpan<byte> Between(ReadOnlySpan<byte> text, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        int start = text.IndexOf(from);
        if (start < 0)
            return default;
        ReadOnlySpan<byte> rest = text[start..];
        int end = rest.IndexOf(to);
        return end < 0 ? rest : rest[..end];
    }

    private static ulong Hex(ReadOnlySpan<byte> text, ReadOnlySpan<byte> key)
    {
        int start = text.IndexOf(key);
        if (start < 0)
            return 0;
        ulong value = 0;
        foreach (byte digit in text[(start + key.Length)..])
        {
            if (!char.IsAsciiHexDigit((char)digit))
                break;
            value = (value << 4) | (uint)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }

        return value;
    }

    private void CloseUnseen()
    {
        if (_files.Count == _seen.Count)
            return;
        _unseen.Clear();
        foreach (int tid in _files.Keys)
        {
            if (!_seen.Contains(tid))
                _unseen.Add(tid);
        }

        foreach (int tid in _unseen)
        {
            _files[tid].Dispose();
            _files.Remove(tid);
        }
    }
}
