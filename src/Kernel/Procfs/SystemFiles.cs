namespace Snap.Kernel.Procfs;

/// <summary>Files of /proc that belong to no process. Their absence is a <see cref="KernelException"/>.</summary>
public static class SystemFiles
{
    /// <summary>The kernel shows POSIX timers (<see cref="TaskFiles.ReadTimers"/>): CONFIG_CHECKPOINT_RESTORE.</summary>
    public static bool HasTimers { get; } = ProcfsFile.ReadOrGone("/proc/self/timers") is not null;

    /// <summary>A random number of this boot: 36 characters, as a UUID is written.</summary>
    public static string ReadBootId() => KernelText.Decode(TaskFiles.WithoutNewline(ProcfsFile.Read("/proc/sys/kernel/random/boot_id")));

    /// <summary>Which kernel, as <c>uname -r</c> says it.</summary>
    public static string ReadKernelRelease() => KernelText.Decode(TaskFiles.WithoutNewline(ProcfsFile.Read("/proc/sys/kernel/osrelease")));

    /// <summary>Major and minor version of the kernel that a release such as <c>6.12.48+deb13-amd64</c> names.</summary>
    /// <exception cref="ProcfsFormatException">It doesn't begin with two numbers.</exception>
    public static Version ParseKernelVersion(string release)
    {
        string[] parts = release.Split('.', 3);
        return parts.Length >= 2 && int.TryParse(parts[0], out int major) && int.TryParse(string.Concat(parts[1].TakeWhile(char.IsAsciiDigit)), out int minor)
            ? new Version(major, minor) : throw new ProcfsFormatException("osrelease", $"'{release}' is no version");
    }

    /// <summary>Seconds since 1970 at which the machine was booted, as the wall clock stands now: steps of the clock move it.</summary>
    public static ulong ReadBootTime() => ParseBootTime(ProcfsFile.Read("/proc/stat"));

    /// <summary>The first processor.</summary>
    public static CpuInfo ReadCpuInfo() => CpuInfo.Parse(ProcfsFile.Read("/proc/cpuinfo"));

    /// <summary>All locks of files that our pid namespace may see, waiting requests included.</summary>
    public static List<FileLock> ReadLocks() => FileLockParser.Parse(ProcfsFile.Read("/proc/locks"));

    /// <summary>The pid or tid that was given last in our pid namespace (restores may give others out of turn).</summary>
    public static int ReadLastPid() => ParseLastPid(ProcfsFile.Read("/proc/loadavg"));

    /// <summary>The last number of /proc/loadavg.</summary>
    /// <exception cref="ProcfsFormatException">There is none.</exception>
    public static int ParseLastPid(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> line = TaskFiles.WithoutNewline(text);
        var cursor = new AsciiCursor(line[(line.LastIndexOf((byte)' ') + 1)..], "loadavg");
        return cursor.Signed32();
    }

    /// <summary>The line <c>btime</c> of /proc/stat.</summary>
    /// <exception cref="ProcfsFormatException">There is none.</exception>
    public static ulong ParseBootTime(ReadOnlySpan<byte> text)
    {
        var lines = new AsciiCursor(text, "stat");
        while (lines.TryLine(out ReadOnlySpan<byte> line))
        {
            var cursor = new AsciiCursor(line, "stat");
            if (cursor.TrySkip("btime "u8))
                return cursor.Decimal();
        }

        throw new ProcfsFormatException("stat", "it has no btime");
    }
}
