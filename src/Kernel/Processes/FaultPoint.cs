namespace Snap.Kernel.Processes;

/// <summary>Places where a test may make Snap die, stop or fail (<see cref="Fault"/>), in the order a checkpoint passes them.</summary>
public enum FaultPoint
{
    /// <summary>Preflight is done, nothing was touched.</summary>
    Attach,
    /// <summary>After each thread that was seized and stopped.</summary>
    Seize,
    /// <summary>In an injected batch: before it runs, after it ran, and before the borrowed thread is given back.</summary>
    Inject,
    /// <summary>After each scan for dirty pages, live or in the freeze.</summary>
    Scan,
    /// <summary>After each buffer of pages that was copied.</summary>
    Copy,
    /// <summary>Before the first thread is let go, and after each one.</summary>
    Thaw,
    /// <summary>A checkpoint was taken and not yet reported.</summary>
    Report,
    /// <summary>Pages are about to be given to the store.</summary>
    Encode,
    /// <summary>Before and after the commit of a snapshot.</summary>
    Commit,
    /// <summary>The snapshot is durable, its tracer and its user not yet told.</summary>
    Acknowledge,
    /// <summary>In a process that is being rebuilt: after it was started, seized, and after each further step.</summary>
    Rebuild,
    /// <summary>A restored process is about to be let go.</summary>
    Release,
}
