namespace Snap.Kernel.Abi;

/// <summary>Marks a struct that mirrors one of a C header; a test has gcc confirm its size and the offset of each field.</summary>
/// <param name="name">As C writes it: <c>struct iovec</c>.</param>
/// <param name="header">What to include: <c>sys/uio.h</c>.</param>
[AttributeUsage(AttributeTargets.Struct)]
public sealed class AbiStructAttribute(string name, string header) : Attribute
{
    /// <summary>As C writes it.</summary>
    public string Name { get; } = name;

    /// <summary>What to include.</summary>
    public string Header { get; } = header;
}

/// <summary>Marks a class (or enum) whose public constants have the names and values of a C header; a test has gcc confirm each.</summary>
/// <param name="headers">What to include, in order.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Enum)]
public sealed class AbiConstantsAttribute(params string[] headers) : Attribute
{
    /// <summary>What to include, in order.</summary>
    public IReadOnlyList<string> Headers { get; } = headers;

    /// <summary>Put before each name to give the C name; empty where the C name is used as it is.</summary>
    public string Prefix { get; init; } = "";
}

/// <summary>The C name of a field, where it differs from ours.</summary>
/// <param name="name">As C writes it, nested members with dots.</param>
[AttributeUsage(AttributeTargets.Field)]
public sealed class AbiFieldAttribute(string name) : Attribute
{
    /// <summary>As C writes it.</summary>
    public string Name { get; } = name;
}
