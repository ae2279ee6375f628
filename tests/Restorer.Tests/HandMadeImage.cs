using System.Runtime.InteropServices;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Procfs;
using MappingKind = Snap.Image.MappingKind;

namespace Snap.Restorer.Tests;

/// <summary>An image without an original: one page of code, a stack, and registers.</summary>
internal static class HandMadeImage
{
    public const ulong Code = 0x40000000, Data = 0x40010000, Stack = 0x7FFE00000000;

    public static readonly SpaceId Space = new(1);

    /// <summary>A pid that is free now: that of a process which has just ended.</summary>
    public static int FreePid()
    {
        var child = Kernel.Processes.ChildProcess.Start(new Kernel.Processes.SpawnOptions { Program = "true" });
        child.Wait();
        return child.Pid;
    }

    /// <summary>Makes it; <paramref name="code"/> runs from <see cref="Code"/> on.</summary>
    public static (SnapshotImage Image, DictionaryPages Pages) Make(int pid, byte[] code, byte[]? data = null)
    {
        var pages = new DictionaryPages();
        Put(pages, Code, code);
        Put(pages, Data, data ?? [1]);
        ProcStatus us = TaskFiles.Self.ReadStatus()!;
        var registers = new user_regs_struct { rip = Code, rsp = Stack + 4096 - 64, cs = 0x33, ss = 0x2B, eflags = 0x202, orig_rax = ulong.MaxValue };
        var process = new ProcessImage
        {
            Pid = pid,
            ParentPid = 1,
            ProcessGroup = pid,
            Session = pid,
            StartTime = 1,
            Executable = 0,
            CommandLine = ["hand-made"],
            WorkingDirectory = "/",
            Umask = 0x12,
            Dumpable = 1,
            Personality = 0,
            CoredumpFilter = 0x33,
            Credentials = new CredentialsImage
            {
                UserIds = [us.Uid.Real, us.Uid.Effective, us.Uid.Saved, us.Uid.FileSystem],
                GroupIds = [us.Gid.Real, us.Gid.Effective, us.Gid.Saved, us.Gid.FileSystem],
                Groups = us.Groups,
                InheritableCapabilities = us.InheritableCapabilities,
                PermittedCapabilities = us.PermittedCapabilities,
                EffectiveCapabilities = us.EffectiveCapabilities,
                BoundingCapabilities = us.BoundingCapabilities,
                AmbientCapabilities = us.AmbientCapabilities,
                NoNewPrivileges = us.NoNewPrivileges,
            },
            Limits = [.. TaskFiles.Self.ReadLimits()!.Select(limit => new LimitImage(limit.Soft, limit.Hard))],
            MemoryLayout = new MemoryLayoutImage
            {
                StartCode = Code,
                EndCode = Code + 4096,
                StartData = Data,
                EndData = Data + 4096,
                StartBreak = Data + 8192,
                Break = Data + 8192,
                StartStack = Stack + 4096,
                ArgumentsStart = Stack,
                ArgumentsEnd = Stack,
                EnvironmentStart = Stack,
                EnvironmentEnd = Stack,
                AuxiliaryVector = new byte[16],
            },
            Space = Space,
            Mappings =
            [
                Mapping(Code, 4096, Mman.PROT_READ | Mman.PROT_EXEC, MappingKind.Anonymous),
                Mapping(Data, 4096, Mman.PROT_READ | Mman.PROT_WRITE, MappingKind.Anonymous),
                Mapping(Stack, 4096, Mman.PROT_READ | Mman.PROT_WRITE, MappingKind.Stack),
            ],
            SignalActions = [.. Enumerable.Repeat(new SignalActionImage(0, 0, 0, 0), 64)],
            Threads = [Thread(pid, registers)],
            Descriptors = [],
        };
        return (new SnapshotImage
        {
            Version = 1,
            Host = new HostImage { HostName = "here", BootId = SystemFiles.ReadBootId(), KernelRelease = "", CpuFlags = [], ExtendedStateSize = 0 },
            Tracker = TrackerKind.Compare,
            Processes = [process],
            Spaces = [new SpaceImage { Id = Space, Kind = SpaceKind.AddressSpace, Pid = pid }],
            Descriptions = [],
            Files = [FileOf("/usr/bin/env")],
        }, pages);
    }

    /// <summary>The record of a file as it is now.</summary>
    public static FileImage FileOf(string path)
    {
        FileDescriptor.TryStat(path, out stat now).OrThrow("stat");
        return new FileImage
        {
            Path = path,
            Device = now.st_dev,
            Inode = now.st_ino,
            Mode = now.st_mode,
            Length = (ulong)now.st_size,
            ModifiedNanoseconds = (now.st_mtime_sec * 1_000_000_000) + now.st_mtime_nsec,
        };
    }

    public static MappingImage Mapping(ulong start, ulong length, int protection, MappingKind kind) =>
        new() { Start = start, End = start + length, Protection = protection, IsShared = false, Kind = kind };

    public static SnapshotImage With(this SnapshotImage image, Func<ProcessImage, ProcessImage> change) => image with { Processes = [change(image.Processes[0])] };

    private static ThreadImage Thread(int tid, user_regs_struct registers) => new()
    {
        Tid = tid,
        Name = "hand-made",
        Registers = MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(in registers, 1)).ToArray(),
        ExtendedState = Registers.EmptyExtendedState(),
        SignalMask = 0,
        AlternateStack = new AlternateStackImage(0, Signal.SS_DISABLE, 0),
        Affinity = [0xFF],
        TimerSlackNanoseconds = 50_000,
    };

    private static void Put(DictionaryPages pages, ulong address, byte[] bytes)
    {
        var page = new byte[4096];
        bytes.CopyTo(page, 0);
        pages.Put(Space, address >> 12, page);
    }
}
