using Snap.Image;

namespace Snap.Dumper.Tests.Host;

/// <summary>Images for tests that need one and don't care what is in it.</summary>
internal static class TestImages
{
    public static SnapshotImage Small(int pid = 4711) => new()
    {
        Version = ImageCodec.CurrentVersion,
        Host = new HostImage { HostName = "here", BootId = "boot", KernelRelease = "6.18", CpuFlags = ["sse2"], ExtendedStateSize = 832 },
        Tracker = TrackerKind.WriteProtect,
        Processes =
        [
            new ProcessImage
            {
                Pid = pid, ParentPid = 1, ProcessGroup = pid, Session = pid, StartTime = 77, Executable = 0, CommandLine = ["worker", "--fast"],
                WorkingDirectory = "/", Umask = 18, Dumpable = 1, Personality = 0,
                Credentials = new CredentialsImage
                {
                    UserIds = [0, 0, 0, 0], GroupIds = [0, 0, 0, 0], Groups = [], InheritableCapabilities = 0, PermittedCapabilities = 0,
                    EffectiveCapabilities = 0, BoundingCapabilities = 0, AmbientCapabilities = 0, NoNewPrivileges = false,
                },
                Limits = [],
                MemoryLayout = new MemoryLayoutImage
                {
                    StartCode = 0, EndCode = 0, StartData = 0, EndData = 0, StartBreak = 0, Break = 0, StartStack = 0,
                    ArgumentsStart = 0, ArgumentsEnd = 0, EnvironmentStart = 0, EnvironmentEnd = 0, AuxiliaryVector = [],
                },
                Space = new SpaceId(1), Mappings = [], SignalActions = [], Threads = [], Descriptors = [],
            },
        ],
        Spaces = [new SpaceImage { Id = new SpaceId(1), Kind = SpaceKind.AddressSpace, Pid = pid }],
        Descriptions = [],
        Files = [],
    };
}
