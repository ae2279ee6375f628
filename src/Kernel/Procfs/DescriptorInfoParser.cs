namespace Snap.Kernel.Procfs;

/// <summary>Parses fdinfo: lines of <c>key:</c>, blanks, and a value; those of inotify and fanotify start with that word instead.</summary>
public static class DescriptorInfoParser
{
    private const string File = "fdinfo";

    /// <summary>Parses the file's text; lines that aren't known end up in <see cref="DescriptorInfo.Others"/>.</summary>
    /// <exception cref="ProcfsFormatException">Not fdinfo, or cut off.</exception>
    public static DescriptorInfo Parse(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[^1] != '\n')
            throw new ProcfsFormatException(File, "it is cut off");
        var draft = new Draft();
        var lines = new AsciiCursor(text, File);
        while (lines.TryLine(out ReadOnlySpan<byte> line))
            draft.Add(line);
        return draft.Finish();
    }

    private static void Skip(ref AsciiCursor cursor, ReadOnlySpan<byte> literal)
    {
        cursor.SkipBlanks();
        if (!cursor.TrySkip(literal))
            throw cursor.Unexpected($"'{KernelText.Decode(literal)}'");
        cursor.SkipBlanks();
    }

    /// <summary>Layout: <c>tfd:        5 events:       19 data:                5  pos:0 ino:1c4d sdev:f</c>; the last three since Linux 4.7.</summary>
    private static EpollRegistration Epoll(AsciiCursor cursor)
    {
        int descriptor = cursor.Signed32();
        Skip(ref cursor, "events:"u8);
        uint events = cursor.Hex32();
        Skip(ref cursor, "data:"u8);
        ulong data = cursor.Hex();
        cursor.SkipBlanks();
        if (cursor.AtEnd)
            return new EpollRegistration(descriptor, events, data, 0, 0, default);
        Skip(ref cursor, "pos:"u8);
        long position = cursor.Signed();
        Skip(ref cursor, "ino:"u8);
        ulong inode = cursor.Hex();
        Skip(ref cursor, "sdev:"u8);
        return new EpollRegistration(descriptor, events, data, position, inode, DeviceNumber.FromKernel(cursor.Hex32()));
    }

    /// <summary>Layout: <c>wd:1 ino:3c570 sdev:fe00000 mask:fff ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:70c5…</c>.</summary>
    private static InotifyWatch Inotify(AsciiCursor cursor)
    {
        Skip(ref cursor, "wd:"u8);
        uint watch = cursor.Hex32();
        Skip(ref cursor, "ino:"u8);
        ulong inode = cursor.Hex();
        Skip(ref cursor, "sdev:"u8);
        uint device = cursor.Hex32();
        Skip(ref cursor, "mask:"u8);
        uint mask = cursor.Hex32();
        Skip(ref cursor, "ignored_mask:"u8);
        cursor.Hex();
        cursor.SkipBlanks();
        int type = -1;
        byte[] handle = [];
        if (cursor.TrySkip("fhandle-bytes:"u8))
        {
            uint length = cursor.Hex32();
            Skip(ref cursor, "fhandle-type:"u8);
            type = unchecked((int)cursor.Hex32());
            Skip(ref cursor, "f_handle:"u8);
            handle = Handle(ref cursor, length);
        }

        return new InotifyWatch(unchecked((int)watch), inode, DeviceNumber.FromKernel(device), mask, type, handle);
    }

    private static byte[] Handle(ref AsciiCursor cursor, uint length)
    {
        ReadOnlySpan<byte> digits = cursor.Word();
        if (digits.Length != (long)length * 2)
            throw new ProcfsFormatException(File, "a file handle has another length than it says");
        var handle = new byte[length];
        for (int i = 0; i < handle.Length; i++)
        {
            var pair = new AsciiCursor(digits.Slice(i * 2, 2), File);
            handle[i] = (byte)pair.Hex();
            if (!pair.AtEnd)
                throw pair.Unexpected("a hexadecimal digit");
        }

        return handle;
    }

    /// <summary>Layout: <c>(99, 998740075)</c>.</summary>
    private static (ulong Seconds, ulong Nanoseconds) Time(AsciiCursor cursor)
    {
        cursor.Expect((byte)'(');
        ulong seconds = cursor.Decimal();
        cursor.Expect((byte)',');
        cursor.SkipBlanks();
        ulong nanoseconds = cursor.Decimal();
        cursor.Expect((byte)')');
        return (seconds, nanoseconds);
    }

    private static List<int> Pids(AsciiCursor cursor)
    {
        var pids = new List<int>();
        for (cursor.SkipBlanks(); !cursor.AtEnd; cursor.SkipBlanks())
            pids.Add(cursor.Signed32());
        return pids;
    }

    /// <summary>What the lines so far have told.</summary>
    private sealed class Draft
    {
        private readonly List<EpollRegistration> _epoll = [];
        private readonly List<InotifyWatch> _inotify = [];
        private readonly List<string> _fanotify = [];
        private readonly List<FileLock> _locks = [];
        private readonly List<KeyValuePair<string, string>> _others = [];
        private readonly List<int> _namespacePids = [];
        private long? _position;
        private uint? _flags;
        private int? _mountId;
        private ulong? _inode;
        private ulong? _eventCount;
        private long? _eventId;
        private bool? _eventSemaphore;
        private int? _clock;
        private ulong _ticks;
        private uint _settimeFlags;
        private (ulong Seconds, ulong Nanoseconds)? _value;
        private (ulong Seconds, ulong Nanoseconds)? _interval;
        private ulong? _signalMask;
        private int? _pid;
        private uint? _underway;

        internal void Add(ReadOnlySpan<byte> line)
        {
            if (line.StartsWith("inotify wd:"u8))
            {
                _inotify.Add(Inotify(new AsciiCursor(line["inotify "u8.Length..], File)));
                return;
            }

            if (line.StartsWith("fanotify "u8))
            {
                _fanotify.Add(KernelText.Decode(line["fanotify "u8.Length..]));
                return;
            }

            int colon = line.IndexOf((byte)':');
            ReadOnlySpan<byte> key = colon < 0 ? line : line[..colon];
            ReadOnlySpan<byte> value = colon < 0 ? default : line[(colon + 1)..].Trim(" \t"u8);
            if (!TryAdd(KernelText.Decode(key), value))
                _others.Add(new(KernelText.Decode(key), KernelText.Decode(value)));
        }

        internal DescriptorInfo Finish()
        {
            if (_position is not { } position || _flags is not { } flags)
                throw new ProcfsFormatException(File, "it has no pos or no flags");
            if (_clock is not null && (_value is null || _interval is null))
                throw new ProcfsFormatException(File, "a timerfd has no it_value or it_interval");
            return new DescriptorInfo
            {
                Position = position,
                Flags = flags,
                MountId = _mountId,
                Inode = _inode,
                Event = _eventCount is { } count ? new EventDescriptor(count, _eventId ?? -1, _eventSemaphore) : null,
                Epoll = _epoll,
                Timer = _clock is { } clock && _value is { } value && _interval is { } interval
                    ? new TimerDescriptor(
                        clock, _ticks, _settimeFlags, value.Seconds, value.Nanoseconds, interval.Seconds, interval.Nanoseconds)
                    : null,
                SignalMask = _signalMask,
                Inotify = _inotify,
                Fanotify = _fanotify,
                Process = _pid is { } pid ? new PidDescriptor(pid, _namespacePids) : null,
                DescriptorsUnderway = _underway,
                Locks = _locks,
                Others = _others,
            };
        }

        private bool TryAdd(string key, ReadOnlySpan<byte> value)
        {
            var cursor = new AsciiCursor(value, File);
            switch (key)
            {
                case "pos": _position = cursor.Signed(); break;
                case "flags": _flags = Narrow(cursor.Octal()); break;
                case "mnt_id": _mountId = cursor.Signed32(); break;
                case "ino": _inode = cursor.Decimal(); break;
                case "lock": _locks.Add(FileLockParser.ParseLine(value)); break;
                case "eventfd-count": _eventCount = cursor.Hex(); break;
                case "eventfd-id": _eventId = cursor.Signed(); break;
                case "eventfd-semaphore": _eventSemaphore = cursor.Decimal() != 0; break;
                case "tfd": _epoll.Add(Epoll(cursor)); break;
                case "clockid": _clock = cursor.Signed32(); break;
                case "ticks": _ticks = cursor.Decimal(); break;
                case "settime flags": _settimeFlags = Narrow(cursor.Octal()); break;
                case "it_value": _value = Time(cursor); break;
                case "it_interval": _interval = Time(cursor); break;
                case "sigmask": _signalMask = cursor.Hex(); break;
                case "Pid": _pid = cursor.Signed32(); break;
                case "NSpid": _namespacePids.AddRange(Pids(cursor)); break;
                case "scm_fds": _underway = cursor.Decimal32(); break;
                default: return false;
            }

            return true;
        }

        private static uint Narrow(ulong value) =>
            value <= uint.MaxValue ? (uint)value : throw new ProcfsFormatException(File, "flags have 32 bits");
    }
}
