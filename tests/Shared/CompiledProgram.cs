using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Snap.Kernel;

namespace Snap.Testing;

/// <summary>A C program of tests/Programs, compiled once for each state of its source and kept in artifacts/.</summary>
/// <param name="Name">The source's name without <c>.c</c>.</param>
/// <param name="Path">The binary.</param>
public sealed record CompiledProgram(string Name, string Path)
{
    private static readonly ConcurrentDictionary<string, Lazy<CompiledProgram>> Known = new();

    /// <summary>Compiles <c>tests/Programs/NAME.c</c>, unless that was done before.</summary>
    /// <param name="name">Without <c>.c</c>.</param>
    /// <param name="options">More options for gcc.</param>
    /// <exception cref="InvalidOperationException">gcc refused; its words are in the message.</exception>
    public static CompiledProgram Get(string name, params string[] options) =>
        Known.GetOrAdd($"{name} {string.Join(' ', options)}", _ => new Lazy<CompiledProgram>(() => CompileNamed(name, options))).Value;

    /// <summary>True if gcc can make 32-bit programs here that need no library.</summary>
    public static bool CanCompile32Bit => TryRunGcc(["-m32", "-fsyntax-only", "-x", "c", "/dev/null"], out _) &&
        TryRunGcc(["-m32", "-nostdlib", "-static", "-ffreestanding", "-o", "/dev/null", System.IO.Path.Combine(RepositoryRoot.Programs, "bits32.c")], out _);

    private static CompiledProgram CompileNamed(string name, string[] options)
    {
        string source = System.IO.Path.Combine(RepositoryRoot.Programs, name + ".c");
        string[] all = name == "bits32"
            ? ["-m32", "-nostdlib", "-static", "-ffreestanding", "-fno-stack-protector", "-O1", "-Wall", "-Wextra", "-Werror", .. options]
            : ["-std=gnu17", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", .. options];
        var hash = new XxHash128();
        foreach (string input in Directory.GetFiles(RepositoryRoot.Programs, "*.h").Order(StringComparer.Ordinal).Append(source))
            hash.Append(File.ReadAllBytes(input));
        hash.Append(Encoding.UTF8.GetBytes(string.Join(' ', all)));
        string directory = System.IO.Path.Combine(RepositoryRoot.Artifacts, "programs", Convert.ToHexStringLower(hash.GetCurrentHash()));
        string binary = System.IO.Path.Combine(directory, name);
        if (File.Exists(binary))
            return new CompiledProgram(name, binary);
        Directory.CreateDirectory(directory);
        // Another test process may be at the same program: each compiles for itself, and the rename decides.
        string mine = string.Create(CultureInfo.InvariantCulture, $"{binary}.{Environment.ProcessId}");
        if (!TryRunGcc([.. all, "-o", mine, source], out string complaints))
            throw new InvalidOperationException($"gcc cannot compile {source}:\n{complaints}");
        File.Move(mine, binary, overwrite: true);
        return new CompiledProgram(name, binary);
    }

    private static bool TryRunGcc(string[] arguments, out string complaints)
    {
        try
        {
            CommandResult result = Command.Run("gcc", arguments);
            complaints = result.Error;
            return result.ExitCode == 0;
        }
        catch (KernelException missing)
        {
            complaints = missing.Message;
            return false;
        }
    }
}
