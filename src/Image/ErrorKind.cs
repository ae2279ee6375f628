namespace Snap.Image;

/// <summary>An entry of the error catalogue: what docs/errors.md explains under <see cref="Id"/>.</summary>
/// <param name="Id"><c>S</c> and four digits. S01 usage, S02 target, S03 checkpoint, S04 not capturable, S05 store, S06 restore, S07 engine, S08 machine.</param>
/// <param name="ExitCode">What the command exits with.</param>
/// <param name="Meaning">One line for the catalogue.</param>
public sealed record ErrorKind(string Id, ExitCode ExitCode, string Meaning);
