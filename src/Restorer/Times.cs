using Snap.Kernel.Abi;

namespace Snap.Restorer;

/// <summary>Times as the kernel's structs have them.</summary>
internal static class Times
{
    private const ulong Second = 1_000_000_000, Microseconds = 1_000_000;

    public static itimerspec ToSpec(ulong valueNanoseconds, ulong intervalNanoseconds) => new()
    {
        value_sec = (long)(valueNanoseconds / Second),
        value_nsec = (long)(valueNanoseconds % Second),
        interval_sec = (long)(intervalNanoseconds / Second),
        interval_nsec = (long)(intervalNanoseconds % Second),
    };

    public static itimerval ToVal(ulong valueMicroseconds, ulong intervalMicroseconds) => new()
    {
        value_sec = (long)(valueMicroseconds / Microseconds),
        value_usec = (long)(valueMicroseconds % Microseconds),
        interval_sec = (long)(intervalMicroseconds / Microseconds),
        interval_usec = (long)(intervalMicroseconds % Microseconds),
    };
}
