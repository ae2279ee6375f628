using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;
using Snap.Kernel.Procfs;
using Snap.Testing;

namespace Snap.Dumper.Tests.Collect;

/// <summary>A program that runs with given descriptors, killed when disposed.</summary>
internal sealed class ShellTarget : IDisposable
{
    private readonly ChildProcess _child;

    private ShellTarget(ChildProcess child) => _child = child;

    public int Pid => _child.Pid;

    /// <summary>A line of bash; its 0, 1 and 2 are /dev/null unless given.</summary>
    public static ShellTarget Start(string line, Dictionary<int, FileDescriptor>? descriptors = null) => Run(descriptors, "bash", "--norc", "-c", line);

    /// <summary>A program with arguments.</summary>
    public static ShellTarget Run(Dictionary<int, FileDescriptor>? descriptors, params string[] command)
    {
        using FileDescriptor nothing = FileDescriptor.Open("/dev/null", Fcntl.O_RDWR);
        var all = new Dictionary<int, FileDescriptor> { [0] = nothing, [1] = nothing, [2] = nothing };
        foreach ((int number, FileDescriptor source) in descriptors ?? [])
            all[number] = source;
        var target = new ShellTarget(ChildProcess.Start(new SpawnOptions
        {
            Program = command[0], Arguments = command[1..], CloseOthers = true, NewSession = true, WorkingDirectory = "/", Descriptors = all,
        }));
        // posix_spawn returns after exec; the program's own start-up, ld.so's mappings, goes on. It has settled when it sleeps.
        try
        {
            Patience.Until(() => TaskFiles.OfProcess(target.Pid).ReadStat() is not { State: 'R' or 'D' }, () => $"{command[0]} to settle");
            return target;
        }
        catch
        {
            target.Dispose();
            throw;
        }
    }

    public bool IsAlive => !_child.TryWait(out _);

    public void Dispose()
    {
        _child.Signal(Signal.SIGKILL);
        _child.Wait();
    }
}
