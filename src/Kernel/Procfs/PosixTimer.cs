namespace Snap.Kernel.Procfs;

/// <summary>A timer of timer_create(2).</summary>
/// <param name="Id">As the kernel counts them in the process.</param>
/// <param name="Signal">Signal sent.</param>
/// <param name="Value">sigev_value, 64 bits.</param>
/// <param name="Notify">SIGEV_*: 0 signal, 1 none, 2 thread; plus 4 if it goes to one thread.</param>
/// <param name="Target">Tid if <paramref name="Notify"/> has 4, else pid; 0 if the thread has ended.</param>
/// <param name="Clock">CLOCK_*; a negative one names the processor time of a task.</param>
public sealed record PosixTimer(int Id, int Signal, ulong Value, int Notify, int Target, int Clock)
{
    /// <summary>SIGEV_THREAD_ID: the signal goes to the one thread <see cref="Target"/>.</summary>
    public bool IsForThread => (Notify & 4) != 0;
}
