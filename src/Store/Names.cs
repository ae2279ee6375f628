using Snap.Image;

namespace Snap.Store;

/// <summary>The grammar of names and tags: <c>[A-Za-z_][A-Za-z0-9._-]*</c>, not all hex, not <c>latest</c>.</summary>
public static class Names
{
    private const int MaxLength = 128;

    /// <summary>True if <paramref name="name"/> can name a chain of snapshots, or be a tag.</summary>
    public static bool IsValid(string name) =>
        name.Length is > 0 and <= MaxLength
        && (char.IsAsciiLetter(name[0]) || name[0] == '_')
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')
        && !name.All(char.IsAsciiHexDigit)
        && name != "latest";

    /// <summary>Throws if <see cref="IsValid"/> is false.</summary>
    /// <exception cref="SnapException">The name can't be used.</exception>
    public static void Check(string name)
    {
        if (!IsValid(name))
            throw new SnapException(ErrorCatalogue.NameInvalid, $"the name '{name}' can't be used",
                why: "a name is a letter or _, then letters, digits, '.', '_' or '-'; not only hex digits (that could be an id), not 'latest', at most 128 characters",
                toDo: "choose another with --name");
    }
}
