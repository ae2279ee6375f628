using Snap.Image;
using Snap.Kernel.Abi;

namespace Snap.Restorer.Building;

/// <summary>What of descriptors hangs on the process itself or on its numbers.</summary>
internal sealed class DescriptorCalls(RestorePlan plan, ProcessImage process, InheritedDescriptors inherited, CallList calls)
{
    private readonly Dictionary<int, int> _descriptions = process.Descriptors.ToDictionary(descriptor => descriptor.Number, descriptor => descriptor.Description);

    private Dictionary<int, int> FirstNumbers()
    {
        var numbers = new Dictionary<int, int>();
        foreach (DescriptorImage descriptor in process.Descriptors)
            numbers.TryAdd(descriptor.Description, descriptor.Number);
        return numbers;
    }

    /// <summary>Epoll registrations, which go by number; then close-on-exec, which putting a descriptor aside would lose.</summary>
    public void Add()
    {
        Dictionary<int, int> numbers = FirstNumbers();
        foreach (EpollDescription epoll in plan.Image.Descriptions.OfType<EpollDescription>())
        {
            if (!numbers.TryGetValue(epoll.Id, out int number))
                continue;
            // What several processes share is set up by the first that can: the file must be its own, too.
            for (int i = 0; i < epoll.Entries.Count; i++)
            {
                if (numbers.ContainsKey(epoll.Entries[i].Description) && plan.Registered.Add((epoll.Id, i)))
                    Register(number, epoll.Entries[i], numbers);
            }
        }

        foreach (DescriptorImage descriptor in process.Descriptors.Where(descriptor => descriptor.CloseOnExec))
            calls.Call($"setting close-on-exec of fd {descriptor.Number}", SyscallNumber.fcntl, (ulong)descriptor.Number, Fcntl.F_SETFD, Fcntl.FD_CLOEXEC);
    }

    /// <summary>POSIX locks; after the last descriptor of building is closed, since closing any descriptor of a file drops all locks on it (fcntl(2)).</summary>
    public void AddLocks()
    {
        Dictionary<int, int> numbers = FirstNumbers();
        foreach (FileDescription file in plan.Image.Descriptions.OfType<FileDescription>())
        {
            foreach (LockImage held in file.Locks.Where(held => held.Type == LockType.Posix && held.Pid == process.Pid))
                Lock(numbers[file.Id], held);
        }
    }

    /// <summary>Whom SIGIO goes to; the threads must exist.</summary>
    public void AddOwners()
    {
        Dictionary<int, int> numbers = FirstNumbers();
        foreach (DescriptionImage image in plan.Image.Descriptions)
        {
            if (!numbers.TryGetValue(image.Id, out int number) || !plan.Owned.Add(image.Id))
                continue;
            if (image.OwnerPid != 0)
            {
                calls.Room(1, 32);
                calls.Call($"setting the owner of fd {number}", SyscallNumber.fcntl, (ulong)number, Fcntl.F_SETOWN_EX,
                    calls.Put(new f_owner_ex { type = image.OwnerType, pid = image.OwnerPid }));
            }

            if (image.OwnerSignal != 0)
                calls.Call($"setting the signal of fd {number}", SyscallNumber.fcntl, (ulong)number, Fcntl.F_SETSIG, (ulong)image.OwnerSignal);
            if ((image.Flags & Fcntl.O_ASYNC) != 0 && (image.Flags & Fcntl.O_PATH) == 0)
                calls.Call($"setting O_ASYNC of fd {number}", SyscallNumber.fcntl, (ulong)number, Fcntl.F_SETFL, (ulong)image.Flags);
        }
    }

    // A registration keeps the number it was made with. If that is now another description's, or nobody's, the right one is put there for the call;
    // closing it again doesn't undo the registration, since the description stays open elsewhere.
    private void Register(int epoll, EpollEntryImage entry, Dictionary<int, int> numbers)
    {
        bool isTaken = _descriptions.TryGetValue(entry.Descriptor, out int occupant);
        bool isRight = isTaken && occupant == entry.Description;
        string what = $"registering fd {entry.Descriptor} with epoll fd {epoll}";
        ulong number = (ulong)entry.Descriptor, scratch = (ulong)inherited.Scratch;
        calls.Room(5, 32);
        if (isTaken && !isRight)
            calls.Call(what, SyscallNumber.dup3, number, scratch);
        if (!isRight)
            calls.Call(what, SyscallNumber.dup3, (ulong)numbers[entry.Description], number);
        calls.Call(what, SyscallNumber.epoll_ctl, (ulong)epoll, Timers.EPOLL_CTL_ADD, number,
            calls.Put(new epoll_event { events = entry.Events, data = entry.Data }));
        if (isTaken && !isRight)
            calls.Call(what, SyscallNumber.dup3, scratch, number);
        else if (!isRight)
            calls.Call(what, SyscallNumber.close, number);
    }

    private void Lock(int number, LockImage held)
    {
        calls.Room(1, 64);
        calls.Call($"locking fd {number}", SyscallNumber.fcntl, (ulong)number, Fcntl.F_SETLK, calls.Put(new flock
        {
            l_type = (short)(held.IsExclusive ? Fcntl.F_WRLCK : Fcntl.F_RDLCK),
            l_start = held.Start,
            l_len = held.Length,
        }));
    }
}
