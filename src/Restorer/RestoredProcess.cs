using System.Runtime.ExceptionServices;
using Snap.Kernel;
using Snap.Kernel.Injection;
using Snap.Kernel.Processes;
using Snap.Kernel.Tracing;
using Snap.Restorer.Building;

namespace Snap.Restorer;

/// <summary>A restored process and its descendants, stopped where the snapshot left them until they are released. Disposed before, they are killed.</summary>
/// <remarks>
/// Owns the thread of ours that traces it, since ptrace answers no other. That thread ends with the release, unless the process has a signal to
/// get at its parent's end: the kernel counts the thread that started it as the parent, so then the thread stays as long as the process lives.
/// </remarks>
public sealed class RestoredProcess : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _asked = new(0);
    private readonly SemaphoreSlim _answered = new(0);
    private Func<TreeBuilder, bool>? _work;
    private Exception? _failure;
    private bool _isOver;

    private RestoredProcess()
    {
    }

    /// <summary>The root's pid, the same as before.</summary>
    public int Pid { get; private set; }

    /// <summary>To signal and to reap it; not to be waited for before the release.</summary>
    public ChildProcess Child { get; private set; } = null!;

    /// <summary>What differs from the original, one sentence each, for the user.</summary>
    public IReadOnlyList<string> Notices { get; private set; } = [];

    /// <summary>True once it runs.</summary>
    public bool IsReleased { get; private set; }

    internal static RestoredProcess Build(RestorePlan plan, IPageSource pages)
    {
        var restored = new RestoredProcess();
        new Thread(() => restored.Trace(plan, pages)) { Name = "snap-restore", IsBackground = true }.Start();
        restored._answered.Wait();
        restored.ThrowFailure();
        return restored;
    }

    /// <summary>Runs <paramref name="work"/> on the tracing thread, with the root's stopped threads, the leader first: to arm tracking before the release.</summary>
    /// <exception cref="InvalidOperationException">It was released or killed already.</exception>
    public void WhileStopped(Action<IReadOnlyList<Tracee>> work) => Ask(builder =>
    {
        work(builder.RootThreads);
        return true;
    });

    /// <summary>Lets all threads of all processes go on together.</summary>
    public void Release()
    {
        Ask(builder =>
        {
            Fault.Hit(FaultPoint.Release);
            builder.Release();
            return false;
        });
        IsReleased = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isOver)
                return;
        }

        Ask(builder =>
        {
            builder.Kill();
            return false;
        });
    }

    // Each request says whether there may be another one.
    private void Ask(Func<TreeBuilder, bool> work)
    {
        lock (_lock)
        {
            if (_isOver)
                throw new InvalidOperationException($"pid {Pid} was released or killed already");
            _work = work;
            _asked.Release();
            _answered.Wait();
            ThrowFailure();
        }
    }

    private void ThrowFailure()
    {
        if (_failure is not { } failure)
            return;
        _failure = null;
        ExceptionDispatchInfo.Throw(failure);
    }

    private void Trace(RestorePlan plan, IPageSource pages)
    {
        // Its descendants have parents of their own.
        bool parentMatters = plan.Image.Processes[0].Threads.Any(thread => thread.ParentDeathSignal != 0);
        TreeBuilder? builder = null;
        try
        {
            builder = BuildAll(plan, pages);
        }
        catch (Exception failure)
        {
            _failure = failure;
            _isOver = true;
        }

        _answered.Release();
        while (!_isOver)
        {
            _asked.Wait();
            try
            {
                _isOver = !_work!(builder!);
            }
            catch (Exception failure)
            {
                _failure = failure;
            }

            if (_isOver)
                builder!.Dispose();
            _answered.Release();
        }

        if (parentMatters && builder is not null)
        {
            using ProcessHandle? living = ProcessHandle.OpenOrGone(Pid);
            living?.WaitForExit(-1);
        }
    }

    private TreeBuilder BuildAll(RestorePlan plan, IPageSource pages)
    {
        using (plan)
        {
            int pid = plan.Image.Processes[0].Pid;
            var builder = new TreeBuilder(plan, pages);
            try
            {
                plan.Objects.Fill(pages);
                builder.Build();
                plan.Objects.Finish();
                plan.Descriptions.ArmTimers(plan.Image);
                (Pid, Child, Notices) = (pid, builder.Child, plan.Notices);
                return builder;
            }
            catch (Exception failure)
            {
                builder.Kill();
                builder.Dispose();
                if (failure is KernelException or InjectionException)
                    throw CallList.Failure(pid, "building it", failure.Message, failure);
                throw;
            }
        }
    }
}
