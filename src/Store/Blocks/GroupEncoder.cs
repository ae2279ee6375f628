// A waking costs more than encoding a small group. So a thread is woken only when several groups wait, and a builder that has to wait for
// one encodes whatever no thread has begun: a small commit wakes nobody, a large one keeps all cores at work.
namespace Snap.Store.Blocks;

/// <summary>Threads that encode groups of pages, for all builders of a writer; started when first needed.</summary>
internal sealed class GroupEncoder : IDisposable
{
    private const int MaxThreads = 4;

    /// <summary>Groups that wait before a thread is woken.</summary>
    private const int WakeAt = 3;
    private readonly object _gate = new();
    private readonly Queue<PageGroup> _queue = new();
    private Thread[] _threads = [];
    private int _sleeping;
    private bool _isEnding;

    /// <summary>Has a group encoded by some thread, sooner or later; <see cref="PageGroup.Wait"/> tells when.</summary>
    public void Add(PageGroup group)
    {
        lock (_gate)
        {
            if (_threads.Length == 0)
                Start();
            while (_queue.TryPeek(out PageGroup? first) && !first.IsQueued)
                _queue.Dequeue();
            _queue.Enqueue(group);
            if (_sleeping > 0 && _queue.Count >= WakeAt)
                Monitor.Pulse(_gate);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isEnding = true;
            _queue.Clear();
            Monitor.PulseAll(_gate);
        }
        foreach (Thread thread in _threads)
            thread.Join();
    }

    private void Start()
    {
        _threads = [.. Enumerable.Range(0, Math.Clamp(Environment.ProcessorCount - 1, 1, MaxThreads))
            .Select(_ => new Thread(Work) { IsBackground = true, Name = "snap encoder" })];
        foreach (Thread thread in _threads)
            thread.Start();
    }

    private void Work()
    {
        while (TakeNext() is { } group)
            group.TryEncode();
    }

    private PageGroup? TakeNext()
    {
        lock (_gate)
        {
            while (!_isEnding)
            {
                if (_queue.TryDequeue(out PageGroup? group))
                    return group;
                _sleeping++;
                Monitor.Wait(_gate);
                _sleeping--;
            }
            return null;
        }
    }
}
