namespace Snap.Kernel.Procfs;

/// <summary>Parses /proc/PID/status: lines of <c>Key:</c>, a tab, and a value. Lines that aren't known are passed over.</summary>
public static class ProcStatusParser
{
    private const string File = "status";

    /// <summary>The fields; every one that Linux 5.4 or older has must be there, but for those that some tasks lack.</summary>
    /// <exception cref="ProcfsFormatException">Not a status file, or cut off.</exception>
    public static ProcStatus Parse(ReadOnlySpan<byte> text)
    {
        var fields = new Fields(text);
        (ulong queued, ulong limit)? queue = fields.Has("SigQ"u8) ? Queue(fields.Value("SigQ"u8)) : null;
        return new ProcStatus
        {
            Name = UnescapeName(fields.Value("Name"u8).Rest),
            State = (char)fields.Value("State"u8).Byte(),
            Tgid = fields.Value("Tgid"u8).Signed32(),
            Pid = fields.Value("Pid"u8).Signed32(),
            ParentPid = fields.Value("PPid"u8).Signed32(),
            TracerPid = fields.Value("TracerPid"u8).Signed32(),
            Uid = Ids(fields.Value("Uid"u8)),
            Gid = Ids(fields.Value("Gid"u8)),
            Groups = Groups(fields.Value("Groups"u8)),
            Umask = fields.Has("Umask"u8) ? (uint)fields.Value("Umask"u8).Octal() : null,
            NamespacePids = fields.Pids("NSpid"u8),
            NamespaceTgids = fields.Pids("NStgid"u8),
            NamespaceProcessGroups = fields.Pids("NSpgid"u8),
            NamespaceSessions = fields.Pids("NSsid"u8),
            IsKernelThread = fields.Flag("Kthread"u8),
            Threads = fields.Has("Threads"u8) ? fields.Value("Threads"u8).Signed32() : null,
            QueuedSignals = queue?.queued,
            QueuedSignalsLimit = queue?.limit,
            PendingSignals = fields.Value("SigPnd"u8).Hex(),
            SharedPendingSignals = fields.Value("ShdPnd"u8).Hex(),
            BlockedSignals = fields.Value("SigBlk"u8).Hex(),
            IgnoredSignals = fields.Value("SigIgn"u8).Hex(),
            CaughtSignals = fields.Value("SigCgt"u8).Hex(),
            InheritableCapabilities = fields.Value("CapInh"u8).Hex(),
            PermittedCapabilities = fields.Value("CapPrm"u8).Hex(),
            EffectiveCapabilities = fields.Value("CapEff"u8).Hex(),
            BoundingCapabilities = fields.Value("CapBnd"u8).Hex(),
            AmbientCapabilities = fields.Value("CapAmb"u8).Hex(),
            NoNewPrivileges = fields.Flag("NoNewPrivs"u8) ?? false,
            Seccomp = fields.Has("Seccomp"u8) ? fields.Value("Seccomp"u8).Signed32() : null,
            SeccompFilters = fields.Has("Seccomp_filters"u8) ? fields.Value("Seccomp_filters"u8).Signed32() : null,
            VirtualBytes = fields.Kilobytes("VmSize"u8),
            LockedBytes = fields.Kilobytes("VmLck"u8),
            ResidentBytes = fields.Kilobytes("VmRSS"u8),
            ResidentAnonymousBytes = fields.Kilobytes("RssAnon"u8),
            ResidentFileBytes = fields.Kilobytes("RssFile"u8),
            ResidentSharedBytes = fields.Kilobytes("RssShmem"u8),
            SwappedBytes = fields.Kilobytes("VmSwap"u8),
            HugeTlbBytes = fields.Kilobytes("HugetlbPages"u8),
            HugePagesEnabled = fields.Flag("THP_enabled"u8),
            IsDumpingCore = fields.Flag("CoreDumping"u8) ?? false,
            AllowedCpus = fields.Mask("Cpus_allowed"u8),
            AllowedNodes = fields.Mask("Mems_allowed"u8),
            ThreadFeatures = fields.Words("x86_Thread_features"u8),
            LockedThreadFeatures = fields.Words("x86_Thread_features_locked"u8),
        };
    }

    /// <summary>Undoes the escapes of a bitmap printed by "%*pb": groups of 32 bits in hex, most significant first, commas between.</summary>
    /// <exception cref="ProcfsFormatException">Not a bitmap.</exception>
    public static ulong[] ParseMask(ReadOnlySpan<byte> text)
    {
        int groups = 1 + text.Count((byte)',');
        var words = new ulong[(groups + 1) / 2];
        var cursor = new AsciiCursor(text, File);
        for (int group = groups - 1; group >= 0; group--)
        {
            words[group / 2] |= (ulong)cursor.Hex32() << (group % 2 * 32);
            if (group > 0)
                cursor.Expect((byte)',');
        }

        return words;
    }

    private static FourIds Ids(AsciiCursor cursor)
    {
        List<ulong> ids = cursor.Numbers();
        if (ids.Count < 4 || ids.Exists(id => id > uint.MaxValue))
            throw new ProcfsFormatException(File, "Uid and Gid have four numbers of 32 bits");
        return new FourIds((uint)ids[0], (uint)ids[1], (uint)ids[2], (uint)ids[3]);
    }

    private static uint[] Groups(AsciiCursor cursor)
    {
        List<ulong> ids = cursor.Numbers();
        return ids.Exists(id => id > uint.MaxValue)
            ? throw new ProcfsFormatException(File, "Groups has numbers of 32 bits")
            : [.. ids.Select(id => (uint)id)];
    }

    private static (ulong Queued, ulong Limit) Queue(AsciiCursor cursor)
    {
        ulong queued = cursor.Decimal();
        cursor.Expect((byte)'/');
        return (queued, cursor.Decimal());
    }

    /// <summary>Name is the only field with escapes: <c>\n</c> and <c>\\</c>.</summary>
    private static string UnescapeName(ReadOnlySpan<byte> escaped)
    {
        var name = new byte[escaped.Length];
        int length = 0;
        for (int i = 0; i < escaped.Length; i++)
        {
            bool escape = escaped[i] == '\\' && i + 1 < escaped.Length;
            if (escape)
                i++;
            name[length++] = escape && escaped[i] == 'n' ? (byte)'\n' : escaped[i];
        }

        return KernelText.Decode(name.AsSpan(0, length));
    }

    /// <summary>Finds lines by their key. The kernel's order is not relied on; there are some sixty short lines.</summary>
    private readonly ref struct Fields
    {
        private readonly ReadOnlySpan<byte> _text;

        internal Fields(ReadOnlySpan<byte> text)
        {
            if (text.IsEmpty || text[^1] != '\n')
                throw new ProcfsFormatException(File, "it is cut off");
            _text = text;
        }

        internal bool Has(ReadOnlySpan<byte> key) => TryFind(key, out _);

        internal AsciiCursor Value(ReadOnlySpan<byte> key)
        {
            if (!TryFind(key, out ReadOnlySpan<byte> value))
                throw new ProcfsFormatException(File, $"it has no line {KernelText.Decode(key)}");
            return new AsciiCursor(value, File);
        }

        internal bool? Flag(ReadOnlySpan<byte> key) => Has(key) ? Value(key).Decimal() != 0 : null;

        internal ulong? Kilobytes(ReadOnlySpan<byte> key) => Has(key) ? Value(key).Kilobytes() : null;

        internal ulong[] Mask(ReadOnlySpan<byte> key) => Has(key) ? ParseMask(Value(key).Rest) : [];

        internal int[] Pids(ReadOnlySpan<byte> key)
        {
            if (!Has(key))
                return [];
            List<ulong> pids = Value(key).Numbers();
            return pids.Exists(pid => pid > int.MaxValue)
                ? throw new ProcfsFormatException(File, "a pid has 31 bits")
                : [.. pids.Select(pid => (int)pid)];
        }

        internal List<string> Words(ReadOnlySpan<byte> key)
        {
            var words = new List<string>();
            if (!Has(key))
                return words;
            AsciiCursor cursor = Value(key);
            while (cursor.Word() is { IsEmpty: false } word)
                words.Add(KernelText.Decode(word));
            return words;
        }

        private bool TryFind(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
        {
            var lines = new AsciiCursor(_text, File);
            while (lines.TryLine(out ReadOnlySpan<byte> line))
            {
                if (line.Length <= key.Length || line[key.Length] != ':' || !line.StartsWith(key))
                    continue;

                // One tab, then the value: a name may begin with blanks of its own, and only numbers are padded.
                value = line[(key.Length + 1)..];
                if (!value.IsEmpty && value[0] == '\t')
                    value = value[1..];
                if (!key.SequenceEqual("Name"u8))
                    value = value.Trim((byte)' ');
                return true;
            }

            value = default;
            return false;
        }
    }
}
