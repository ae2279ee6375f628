namespace Snap.Dumper.Host;

/// <summary>Kinds of message between engine and tracer. The numbers are the protocol: never reused.</summary>
internal enum FrameKind : byte
{
    /// <summary>Tracer: I am here, and this is the protocol I speak (<see cref="HelloMessage"/>). The same in every version.</summary>
    Hello = 1,
    /// <summary>Engine: attach (<see cref="StartMessage"/>).</summary>
    Start = 2,
    /// <summary>Tracer: attached (<see cref="AttachedMessage"/>).</summary>
    Attached = 3,
    /// <summary>Tracer: not attached, and why (<see cref="ErrorMessage"/>); it ends.</summary>
    Refused = 4,
    /// <summary>Engine: take a checkpoint (<see cref="TakeMessage"/>).</summary>
    Take = 5,
    /// <summary>Tracer: pages in shared memory (<see cref="PageFrames"/>).</summary>
    Pages = 6,
    /// <summary>Tracer: pages that are zero.</summary>
    Zero = 7,
    /// <summary>Tracer: pages that are absent.</summary>
    Drop = 8,
    /// <summary>Tracer: a space that is gone.</summary>
    Removed = 9,
    /// <summary>Tracer: the checkpoint is taken: u32 length of <see cref="TakenMessage"/>, that message, the image's bytes.</summary>
    Taken = 10,
    /// <summary>Tracer: the checkpoint was not taken (<see cref="NotTakenMessage"/>).</summary>
    NotTaken = 11,
    /// <summary>Engine: the interval (u64) is durable.</summary>
    Committed = 12,
    /// <summary>Engine: the interval (u64) and all later ones were not stored.</summary>
    NotStored = 13,
    /// <summary>Engine: something that the tracer waits for has been freed.</summary>
    Wake = 14,
    /// <summary>Engine: detach and end. Understood by tracers of every version.</summary>
    Stop = 15,
    /// <summary>Tracer: a bug of ours ended it (<see cref="ErrorMessage"/>).</summary>
    Crashed = 16,
    /// <summary>Tracer, to an engine that came after its own: how far it is (<see cref="OrphanState"/>).</summary>
    Orphaned = 17,
    /// <summary>Engine: go on with me (<see cref="AdoptMessage"/>); the memory for pages comes with the next byte.</summary>
    Adopt = 18,
}

/// <summary>A message as it came.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Payload">Its bytes; valid until the next message is read.</param>
internal readonly record struct Frame(FrameKind Kind, ReadOnlyMemory<byte> Payload);
