using System.Buffers.Binary;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Injection;
using Snap.Kernel.Memory;
using Snap.Kernel.Syscalls;

namespace Snap.Kernel.Processes;

/// <summary>Starts a process under a chosen pid that does nothing but pause, to be made into another one.</summary>
/// <remarks>
/// The child shares our memory until exec (CLONE_VM, CLONE_VFORK) and runs no managed code: a small loop walks a table of system calls, the last of
/// which executes a static program of one page in a memfd. The program is linked to the place asked for, so that it lies in a hole of the memory
/// to be restored. All signals are blocked in the child and stay so. It dies with the thread of ours that started it, until it is seized.
/// <code>
/// rdi = clone_args, rsi = its size, rdx = table, r8 = entries; returns the pid in the parent
/// 00 mov eax, 435 (clone3); syscall; test rax, rax; jz 0D; ret
/// 0D mov rbx, rdx; mov r12, r8
/// 13 the loop of StubAgent
/// 42 mov eax, 60 (exit); mov edi, 127; syscall; ud2
/// </code>
/// </remarks>
public static unsafe class StubProcess
{
    private const int PageSize = 4096;
    private const int ExitCodeOfFailedExec = 127;

    private static readonly MappedMemory _launcher = InstallLauncher();

    /// <summary>Starts it; it is our child, to be seized by the calling thread.</summary>
    /// <exception cref="KernelException">EEXIST: the pid is taken. EPERM: we may not choose pids.</exception>
    public static ChildProcess Start(StubOptions options)
    {
        using FileDescriptor written = FileDescriptor.CreateMemfd("snap-stub");
        written.WriteAll(BuildProgram(options.Memory));
        KernelObject.TryDuplicate(written, options.FirstFree, out FileDescriptor? lifted).OrThrow("duplicate a descriptor above", options.FirstFree);
        using FileDescriptor program = lifted!;
        int count = 5 + options.Descriptors.Count + options.Inherited.Count;
        using MappedMemory memory = MappedMemory.Anonymous((ulong)((count * RemoteBatch.EntrySize) + PageSize));
        // Data first, one page: empty path, argv and envp, limit, pid; then the table.
        ulong data = memory.Address;
        BinaryPrimitives.WriteUInt64LittleEndian(memory.Slice(16, 8), data);
        ref rlimit64 limit = ref memory.At<rlimit64>(64);
        Door.Call(SyscallNumber.prlimit64, 0, Sched.RLIMIT_NOFILE, 0, data + 64).OrThrow("prlimit64");
        limit.rlim_cur = limit.rlim_max;
        memory.At<int>(96) = options.Pid;
        var table = new Span<ulong>((void*)(data + PageSize), count * 8);
        int used = 0;
        Add(table, ref used, SyscallNumber.prctl, Prctl.PR_SET_PDEATHSIG, Signal.SIGKILL);
        Add(table, ref used, SyscallNumber.prlimit64, 0, Sched.RLIMIT_NOFILE, data + 64);
        if (options.FirstFree > 0)
            Add(table, ref used, SyscallNumber.close_range, 0, (ulong)options.FirstFree - 1);
        Add(table, ref used, SyscallNumber.close_range, (ulong)options.FirstFree, int.MaxValue, Fcntl.CLOSE_RANGE_CLOEXEC);
        foreach ((int number, FileDescriptor source) in options.Descriptors)
            Add(table, ref used, SyscallNumber.dup3, (ulong)source.Number, (ulong)number);
        foreach (FileDescriptor inherited in options.Inherited)
            Add(table, ref used, SyscallNumber.fcntl, (ulong)inherited.Number, Fcntl.F_SETFD);
        Add(table, ref used, SyscallNumber.execveat, (ulong)program.Number, data, data + 16, data + 24, Fcntl.AT_EMPTY_PATH);

        var arguments = new clone_args
        {
            flags = Sched.CLONE_VM | Sched.CLONE_VFORK,
            exit_signal = Signal.SIGCHLD,
            set_tid = data + 96,
            set_tid_size = 1,
        };
        ulong all = ulong.MaxValue, before;
        Door.Call(SyscallNumber.rt_sigprocmask, Signal.SIG_SETMASK, (ulong)(&all), (ulong)(&before), 8).OrThrow("rt_sigprocmask");
        var launch = (delegate* unmanaged<clone_args*, ulong, ulong, ulong, ulong, long>)_launcher.Address;
        var started = new SyscallResult(launch(&arguments, (ulong)sizeof(clone_args), data + PageSize, 0, (ulong)used));
        Door.Call(SyscallNumber.rt_sigprocmask, Signal.SIG_SETMASK, (ulong)(&before), 0, 8).OrThrow("rt_sigprocmask");
        ChildProcess child = ChildProcess.Adopt((int)started.OrThrow("clone3 with pid", options.Pid));
        for (int i = 0; i < used; i++)
        {
            var result = new SyscallResult((long)table[(i * 8) + 7]);
            if (!result.IsError)
                continue;
            child.Signal(Signal.SIGKILL);
            child.Wait();
            throw new KernelException(result.Errno, $"{(SyscallNumber)table[i * 8]}({table[(i * 8) + 1]}, {table[(i * 8) + 2]}) in the process to be restored");
        }

        return child;
    }

    private static void Add(Span<ulong> table, ref int used, SyscallNumber number, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0, ulong e = 0)
    {
        Span<ulong> entry = table.Slice(used++ * 8, 8);
        (entry[0], entry[1], entry[2], entry[3], entry[4], entry[5]) = ((ulong)number, a, b, c, d, e);
    }

    /// <summary>The program: an ELF header, two program headers (all of it, and a stack that isn't executable), and a loop of pause(2).</summary>
    internal static byte[] BuildProgram(RemoteRange memory)
    {
        const int headerSize = 64, programHeaderSize = 56, code = headerSize + (2 * programHeaderSize);
        var file = new byte[PageSize];
        Span<byte> header = file;
        ReadOnlySpan<byte> ident = [0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1];
        ident.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header[16..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(header[18..], 62);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], memory.Start.Value + code);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], headerSize);
        BinaryPrimitives.WriteUInt16LittleEndian(header[52..], headerSize);
        BinaryPrimitives.WriteUInt16LittleEndian(header[54..], programHeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(header[56..], 2);
        WriteProgramHeader(header[headerSize..], type: 1, flags: 7, memory.Start.Value, PageSize, memory.Length);
        WriteProgramHeader(header[(headerSize + programHeaderSize)..], type: 0x6474E551, flags: 6, 0, 0, 0);
        ReadOnlySpan<byte> loop = [0xB8, 0x22, 0x00, 0x00, 0x00, 0x0F, 0x05, 0xEB, 0xF7];
        loop.CopyTo(header[code..]);
        return file;
    }

    private static void WriteProgramHeader(Span<byte> header, uint type, uint flags, ulong address, ulong fileLength, ulong memoryLength)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, type);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], flags);
        BinaryPrimitives.WriteUInt64LittleEndian(header[16..], address);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], address);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], fileLength);
        BinaryPrimitives.WriteUInt64LittleEndian(header[40..], memoryLength);
        BinaryPrimitives.WriteUInt64LittleEndian(header[48..], PageSize);
    }

    private static MappedMemory InstallLauncher()
    {
        MappedMemory memory = MappedMemory.Anonymous(PageSize, executable: true);
        ReadOnlySpan<byte> code =
        [
            0xB8, 0xB3, 0x01, 0x00, 0x00, 0x0F, 0x05, 0x48, 0x85, 0xC0, 0x74, 0x01, 0xC3,
            0x48, 0x89, 0xD3, 0x4D, 0x89, 0xC4,
            .. StubAgent.Loop,
            0xB8, 0x3C, 0x00, 0x00, 0x00, 0xBF, ExitCodeOfFailedExec, 0x00, 0x00, 0x00, 0x0F, 0x05, 0x0F, 0x0B,
        ];
        code.CopyTo(memory.Slice(0, code.Length));
        return memory;
    }
}
