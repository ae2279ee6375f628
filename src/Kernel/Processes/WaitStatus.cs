using System.Globalization;
using Snap.Kernel.Abi;

namespace Snap.Kernel.Processes;

/// <summary>The status word of wait4(2).</summary>
/// <param name="Raw">As the kernel gave it.</param>
public readonly record struct WaitStatus(int Raw)
{
    /// <summary>Ended by exit(2).</summary>
    public bool HasExited => (Raw & 0x7F) == 0;
    /// <summary>exit(2)'s argument.</summary>
    public int ExitCode => (Raw >> 8) & 0xFF;
    /// <summary>Killed by a signal.</summary>
    public bool WasKilled => (Raw & 0x7F) is not 0 and not 0x7F;
    /// <summary>The signal that killed it.</summary>
    public int KillSignal => Raw & 0x7F;
    /// <summary>Stopped.</summary>
    public bool IsStopped => (Raw & 0xFF) == 0x7F;
    /// <summary>The signal of the stop; bit 7 marks a system-call stop.</summary>
    public int StopSignal => (Raw >> 8) & 0xFF;
    /// <summary>PTRACE_EVENT_* of the stop, 0 for none.</summary>
    public int Event => Raw >> 16;
    /// <summary>PTRACE_EVENT_STOP: parked by PTRACE_INTERRUPT, or in a group stop.</summary>
    public bool IsEventStop => IsStopped && Event == Ptrace.PTRACE_EVENT_STOP;
    /// <summary>Entry to or exit from a system call, with PTRACE_O_TRACESYSGOOD.</summary>
    public bool IsSyscallStop => IsStopped && Event == 0 && StopSignal == (Signal.SIGTRAP | 0x80);
    /// <summary>A signal is about to be delivered.</summary>
    public bool IsSignalStop => IsStopped && Event == 0 && (StopSignal & 0x80) == 0;
    /// <summary>What a shell would return: the exit code, or 128 + the signal.</summary>
    public int ShellCode => HasExited ? ExitCode : 128 + KillSignal;

    /// <summary>After "it", of one that ended: <c>exited with 3</c>, <c>was killed by signal 9</c>.</summary>
    public string Past => WasKilled ? $"was {this}" : ToString();

    /// <summary>For messages: <c>exited with 3</c>, <c>killed by signal 9</c>, <c>stopped (80057f)</c>.</summary>
    public override string ToString() => HasExited ? string.Create(CultureInfo.InvariantCulture, $"exited with {ExitCode}")
        : WasKilled ? string.Create(CultureInfo.InvariantCulture, $"killed by signal {KillSignal}")
        : string.Create(CultureInfo.InvariantCulture, $"stopped ({Raw:x})");
}
