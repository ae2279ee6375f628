using System.Globalization;

namespace Snap.Kernel.Procfs;

/// <summary>Where the link /proc/PID/fd/N points, classified by its text alone.</summary>
/// <remarks>The kernel writes the text of objects without a path as <c>class:[inode]</c> or <c>anon_inode:[class]</c>; paths start with '/'.</remarks>
public sealed record DescriptorTarget
{
    private const string AnonymousInodePrefix = "anon_inode:";
    private const string MemfdPrefix = "/memfd:";
    private const string TerminalPrefix = "/dev/pts/";

    /// <summary>What the text says it is.</summary>
    public required DescriptorKind Kind { get; init; }

    /// <summary>The link as it is (<see cref="KernelText"/>).</summary>
    public required string Text { get; init; }

    /// <summary>Path without <c> (deleted)</c>; memfd name; class of the anonymous inode without brackets; kind of the namespace; "" for pipes and sockets.</summary>
    public required string Name { get; init; }

    /// <summary>The text ended in <c> (deleted)</c> (always so for a memfd). A file whose own name ends so looks the same; fstat tells.</summary>
    public bool IsDeleted { get; init; }

    /// <summary>The number in brackets of pipes, sockets and namespaces, N of <c>/dev/pts/N</c>; else 0.</summary>
    public ulong Number { get; init; }

    /// <summary>Classifies a link's target; never fails.</summary>
    public static DescriptorTarget Parse(string text)
    {
        if (text.StartsWith('/'))
            return ParsePath(text);
        if (text.StartsWith(AnonymousInodePrefix, StringComparison.Ordinal))
        {
            string name = text[AnonymousInodePrefix.Length..];
            bool bracketed = name.Length >= 2 && name[0] == '[' && name[^1] == ']';
            return new DescriptorTarget { Kind = DescriptorKind.AnonymousInode, Text = text, Name = bracketed ? name[1..^1] : name };
        }

        int colon = text.IndexOf(':');
        if (colon > 0 && TryBracketedNumber(text.AsSpan(colon + 1), out ulong number))
        {
            string name = text[..colon];
            return name switch
            {
                "pipe" => new DescriptorTarget { Kind = DescriptorKind.Pipe, Text = text, Name = "", Number = number },
                "socket" => new DescriptorTarget { Kind = DescriptorKind.Socket, Text = text, Name = "", Number = number },
                "cgroup" or "ipc" or "mnt" or "net" or "pid" or "time" or "user" or "uts" =>
                    new DescriptorTarget { Kind = DescriptorKind.Namespace, Text = text, Name = name, Number = number },
                _ => new DescriptorTarget { Kind = DescriptorKind.Other, Text = text, Name = name, Number = number },
            };
        }

        return new DescriptorTarget { Kind = DescriptorKind.Other, Text = text, Name = text };
    }

    /// <summary>The link as it is.</summary>
    public override string ToString() => Text;

    private static DescriptorTarget ParsePath(string text)
    {
        LinkedFile file = LinkedFile.Parse(text);
        if (file.IsDeleted && file.Path.StartsWith(MemfdPrefix, StringComparison.Ordinal))
            return new DescriptorTarget { Kind = DescriptorKind.Memfd, Text = text, Name = file.Path[MemfdPrefix.Length..], IsDeleted = true };
        if (file.Path is "/dev/ptmx" or "/dev/pts/ptmx")
            return new DescriptorTarget { Kind = DescriptorKind.PseudoTerminalMaster, Text = text, Name = file.Path, IsDeleted = file.IsDeleted };
        if (file.Path.StartsWith(TerminalPrefix, StringComparison.Ordinal) && TryNumber(file.Path.AsSpan(TerminalPrefix.Length), out ulong number))
        {
            return new DescriptorTarget
            {
                Kind = DescriptorKind.PseudoTerminal, Text = text, Name = file.Path, IsDeleted = file.IsDeleted, Number = number,
            };
        }

        return new DescriptorTarget { Kind = DescriptorKind.Path, Text = text, Name = file.Path, IsDeleted = file.IsDeleted };
    }

    private static bool TryBracketedNumber(ReadOnlySpan<char> text, out ulong number)
    {
        number = 0;
        return text.Length > 2 && text[0] == '[' && text[^1] == ']' && TryNumber(text[1..^1], out number);
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out ulong number) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
