using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Syscalls;
using Snap.Restorer.Checks;

namespace Snap.Restorer.Descriptors;

/// <summary>Every open file description of a snapshot, made again in our own process; the processes inherit them when they are started.</summary>
/// <remarks>
/// Descriptions belong to no process, so what is shared is shared again by itself, and all that can fail fails before anything is started. Only
/// what hangs on a process or its descriptor numbers is left for later: epoll registrations, POSIX locks, owners for SIGIO; and the arming of timers.
/// </remarks>
internal sealed class OpenDescriptions : IDisposable
{
    private const int SettableFlags = Fcntl.O_APPEND | Fcntl.O_NONBLOCK | Fcntl.O_DIRECT | Fcntl.O_NOATIME;
    private const int OpenFlags = Fcntl.O_ACCMODE | SettableFlags | Fcntl.O_SYNC | Fcntl.O_DSYNC | Fcntl.O_PATH | Fcntl.O_DIRECTORY;

    private readonly Dictionary<int, FileDescriptor> _made = [];
    private readonly Dictionary<int, (FileDescriptor Read, FileDescriptor Write)> _pipes = [];
    private readonly HashSet<FileDescriptor> _usedEnds = [];
    private readonly HashSet<int> _compared = [];
    private readonly Dictionary<int, int> _holders = [];

    public FileDescriptor this[int description] => _made[description];

    public void Open(SnapshotImage image, RestoreOptions options, SharedObjects objects, Obstacles obstacles)
    {
        foreach (ProcessImage process in image.Processes)
        {
            foreach (DescriptorImage descriptor in process.Descriptors)
                _holders.TryAdd(descriptor.Description, process.Pid);
        }

        foreach (PipeImage pipe in image.Pipes)
            MakePipe(pipe, obstacles);
        foreach (DescriptionImage description in image.Descriptions)
        {
            FileDescriptor? made = description switch
            {
                FileDescription file => OpenFile(image, file, options, obstacles),
                DeviceDescription device => OpenDevice(device, obstacles),
                PipeDescription pipe => OpenPipeEnd(pipe, obstacles),
                MemfdDescription memfd => OpenMemfd(memfd, objects),
                EventDescription counter => KernelObject.CreateEvent(counter.Count, counter.IsSemaphore),
                EpollDescription => KernelObject.CreateEpoll(),
                TimerDescription timer => MakeTimer(timer, obstacles),
                SignalDescription signal => KernelObject.CreateSignal(signal.Mask),
                ExternalDescription external => BindExternal(external, options, obstacles),
                _ => throw new InvalidOperationException($"unknown description {description.GetType().Name}"),
            };
            if (made is null)
                continue;
            _made.Add(description.Id, made);
            SetFlags(description, made);
        }

        foreach ((FileDescriptor read, FileDescriptor write) in _pipes.Values)
        {
            read.Dispose();
            write.Dispose();
        }

        _pipes.Clear();
    }

    /// <summary>Starts the clocks of the timerfds; the last thing before the processes are let go.</summary>
    public void ArmTimers(SnapshotImage image)
    {
        foreach (TimerDescription timer in image.Descriptions.OfType<TimerDescription>())
        {
            FileDescriptor made = _made[timer.Id];
            // A periodic one that has expired shows no remaining time: it goes on only when it is read.
            ulong remaining = timer.RemainingNanoseconds > 0 ? timer.RemainingNanoseconds : timer.Ticks > 0 ? timer.IntervalNanoseconds : 0;
            if (remaining > 0)
                Arm(timer, (long)remaining, made);
            ulong ticks = timer.Ticks;
            // After arming, which sets the count to zero.
            if (ticks > 0)
                made.TryIoctl(Timers.TFD_IOC_SET_TICKS, ref ticks).OrThrow("set the expirations of a timerfd");
        }
    }

    public void Dispose()
    {
        foreach (FileDescriptor made in _made.Values)
            made.Dispose();
        foreach ((FileDescriptor read, FileDescriptor write) in _pipes.Values)
        {
            read.Dispose();
            write.Dispose();
        }
    }

    private int Holder(DescriptionImage description) => _holders.GetValueOrDefault(description.Id);

    private FileDescriptor? OpenFile(SnapshotImage image, FileDescription description, RestoreOptions options, Obstacles obstacles)
    {
        FileImage recorded = image.Files[description.File];
        int pid = Holder(description);
        SyscallResult result = FileDescriptor.TryOpen(recorded.Path, (description.Flags & OpenFlags) | Fcntl.O_NOCTTY, 0, out FileDescriptor? file);
        if (file is null)
        {
            obstacles.Add(ErrorCatalogue.FileMissing, $"cannot restore pid {pid}: {recorded.Path}, which it had open, can't be opened",
                why: result.Errno.ToString(), toDo: "put the file back as it was");
            return null;
        }

        if (_compared.Add(description.File))
            FileComparison.CheckOpenFile(recorded, file.Stat(), pid, options.Files, obstacles);
        if ((description.Flags & Fcntl.O_PATH) == 0)
            file.TrySeek(description.Position, Fcntl.SEEK_SET).OrThrow($"seek in {recorded.Path}");
        foreach (LockImage held in description.Locks)
            TakeLock(recorded, held, file, pid, obstacles);
        return file;
    }

    // A POSIX lock belongs to a process, which will take it itself; here it is only asked for.
    private static void TakeLock(FileImage recorded, LockImage held, FileDescriptor file, int pid, Obstacles obstacles)
    {
        var range = new flock { l_type = (short)(held.IsExclusive ? Fcntl.F_WRLCK : Fcntl.F_RDLCK), l_start = held.Start, l_len = held.Length };
        SyscallResult result = held.Type switch
        {
            LockType.Flock => KernelObject.TryLock(file, (held.IsExclusive ? Fcntl.LOCK_EX : Fcntl.LOCK_SH) | Fcntl.LOCK_NB),
            LockType.OpenFileDescription => file.TryControl(Fcntl.F_OFD_SETLK, ref range),
            _ => file.TryControl(Fcntl.F_OFD_GETLK, ref range),
        };
        bool isTaken = result.IsError || (held.Type == LockType.Posix && range.l_type != Fcntl.F_UNLCK);
        if (isTaken)
            obstacles.Add(ErrorCatalogue.LockHeld, $"cannot restore pid {pid}: its lock on {recorded.Path} is held by another process",
                why: result.IsError ? result.Errno.ToString() : range.l_pid > 0 ? $"pid {range.l_pid} holds it" : "an open file description holds it",
                toDo: "end the other process, or have it give up the lock");
    }

    private FileDescriptor? OpenDevice(DeviceDescription device, Obstacles obstacles)
    {
        SyscallResult result = FileDescriptor.TryOpen(device.Path, (device.Flags & OpenFlags) | Fcntl.O_NOCTTY, 0, out FileDescriptor? file);
        if (file is not null && file.Stat().st_rdev == device.DeviceNumber)
            return file;
        obstacles.Add(ErrorCatalogue.FileMissing, $"cannot restore pid {Holder(device)}: {device.Path} isn't the device that it was",
            why: file is null ? result.Errno.ToString() : $"it has device number {file.Stat().st_rdev:x}, and had {device.DeviceNumber:x}");
        file?.Dispose();
        return null;
    }

    private void MakePipe(PipeImage pipe, Obstacles obstacles)
    {
        (FileDescriptor Read, FileDescriptor Write) ends = FileDescriptor.CreatePipe(Fcntl.O_NONBLOCK | (pipe.Packets is null ? 0 : Fcntl.O_DIRECT));
        _pipes.Add(pipe.Id, ends);
        SyscallResult resized = ends.Write.TryControl(Fcntl.F_SETPIPE_SZ, (ulong)pipe.Capacity);
        if (resized.IsError)
        {
            obstacles.Add(ErrorCatalogue.RightMissing, $"cannot restore a pipe of {pipe.Capacity} bytes", where: $"pipe:[{pipe.Inode}]",
                why: $"F_SETPIPE_SZ: {resized.Errno}; /proc/sys/fs/pipe-max-size is the limit without CAP_SYS_RESOURCE");
            return;
        }

        ReadOnlySpan<byte> rest = pipe.Content;
        foreach (int length in pipe.Packets ?? [pipe.Content.Length])
        {
            if (length == 0)
                continue;
            SyscallResult written = ends.Write.TryWrite(rest[..length]);
            if (written.IsError || written.Value != length)
            {
                obstacles.Add(ErrorCatalogue.NotRestorable, $"cannot restore the {pipe.Content.Length} unread bytes of a pipe", where: $"pipe:[{pipe.Inode}]",
                    why: written.IsError ? written.Errno.ToString() : $"only {written.Value} of {length} fit");
                return;
            }

            rest = rest[length..];
        }
    }

    // The first description of an end is the one pipe2 made; others, opened by way of /proc, are opened so again.
    private FileDescriptor? OpenPipeEnd(PipeDescription description, Obstacles obstacles)
    {
        if (!_pipes.TryGetValue(description.Pipe, out (FileDescriptor Read, FileDescriptor Write) ends))
        {
            obstacles.Add(ErrorCatalogue.NotRestorable, $"cannot restore pid {Holder(description)}: the image has no pipe {description.Pipe}");
            return null;
        }

        int access = description.Flags & Fcntl.O_ACCMODE;
        FileDescriptor end = access == Fcntl.O_RDONLY ? ends.Read : ends.Write;
        if (access != Fcntl.O_RDWR && _usedEnds.Add(end))
        {
            KernelObject.TryDuplicate(end, 3, out FileDescriptor? first).OrThrow("duplicate a pipe");
            return first;
        }

        return FileDescriptor.Open($"/proc/self/fd/{end.Number}", access | Fcntl.O_NONBLOCK);
    }

    private static FileDescriptor OpenMemfd(MemfdDescription memfd, SharedObjects objects)
    {
        FileDescriptor opened = FileDescriptor.Open($"/proc/self/fd/{objects[memfd.Space].Number}", memfd.Flags & OpenFlags);
        opened.TrySeek(memfd.Position, Fcntl.SEEK_SET).OrThrow("seek in a memfd");
        return opened;
    }

    private FileDescriptor? MakeTimer(TimerDescription timer, Obstacles obstacles)
    {
        SyscallResult result = KernelObject.TryCreateTimer(timer.Clock, out FileDescriptor? made);
        if (made is null)
            obstacles.Add(ErrorCatalogue.RightMissing, $"cannot restore pid {Holder(timer)}: a timerfd on clock {timer.Clock} can't be made",
                why: result.Errno == Errno.EPERM ? "CAP_WAKE_ALARM is missing" : result.Errno.ToString());
        return made;
    }

    // An absolute timer is set absolutely again, so that it follows when the clock is set, and is cancelled by it if it was to be.
    private static void Arm(TimerDescription timer, long value, FileDescriptor made)
    {
        if ((timer.SettimeFlags & Timers.TFD_TIMER_ABSTIME) != 0)
            value += KernelObject.ReadClock(timer.Clock switch
            {
                Timers.CLOCK_REALTIME_ALARM => Timers.CLOCK_REALTIME,
                Timers.CLOCK_BOOTTIME_ALARM => Timers.CLOCK_BOOTTIME,
                _ => timer.Clock,
            });
        KernelObject.TrySetTimer(made, timer.SettimeFlags, Times.ToSpec((ulong)value, timer.IntervalNanoseconds)).OrThrow("arm a timerfd");
    }

    private FileDescriptor? BindExternal(ExternalDescription external, RestoreOptions options, Obstacles obstacles)
    {
        int number = external.StandardNumber;
        FileDescriptor? bound;
        SyscallResult result = options.Stdio.TryGetValue(number, out FileDescriptor? given)
            ? KernelObject.TryDuplicate(given, 3, out bound)
            : KernelObject.TryDuplicate(number, out bound);
        if (bound is null)
        {
            obstacles.Add(ErrorCatalogue.StandardDescriptorMissing, $"cannot restore pid {Holder(external)}: nothing is open as {number} to bind its {external.Target} to",
                why: result.Errno.ToString(), toDo: $"open it, or pass --stdio {number}=PATH");
            return null;
        }

        return Own(external, bound);
    }

    // A pipe or terminal can be opened anew, so that the process's O_NONBLOCK isn't forced upon everybody who shares ours; a socket or file can't.
    private static FileDescriptor Own(ExternalDescription external, FileDescriptor shared)
    {
        int flags = (int)shared.TryControl(Fcntl.F_GETFL).OrThrow("fcntl(F_GETFL)");
        if ((flags & SettableFlags) == (external.Flags & SettableFlags))
            return shared;
        const uint fifo = 0x1000, character = 0x2000;
        if ((shared.Stat().st_mode & 0xF000) is not (fifo or character))
            return shared;
        // Opened without waiting: a pipe that nobody reads would otherwise never open.
        FileDescriptor.TryOpen($"/proc/self/fd/{shared.Number}", (flags & Fcntl.O_ACCMODE) | Fcntl.O_NONBLOCK | Fcntl.O_NOCTTY, 0, out FileDescriptor? own);
        if (own is null)
            return shared;
        shared.Dispose();
        return own;
    }

    private static void SetFlags(DescriptionImage description, FileDescriptor made)
    {
        if ((description.Flags & Fcntl.O_PATH) != 0)
            return;
        int flags = (int)made.TryControl(Fcntl.F_GETFL).OrThrow("fcntl(F_GETFL)");
        int wanted = (flags & ~SettableFlags) | (description.Flags & SettableFlags);
        if (wanted != flags)
            made.TryControl(Fcntl.F_SETFL, (ulong)wanted).OrThrow("fcntl(F_SETFL)");
    }
}
