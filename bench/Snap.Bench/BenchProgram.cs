namespace Snap.Bench;

/// <summary>The programs of bench/Programs.</summary>
internal static class BenchProgram
{
    /// <summary>Compiles a C program, once a directory.</summary>
    /// <returns>Where it is.</returns>
    public static string Compile(string directory, string name)
    {
        string program = Path.Combine(directory, name);
        if (!File.Exists(program))
            SnapBinary.Run("gcc", "-O2", "-pthread", "-o", program, PathOf($"{name}.c"));
        return program;
    }

    /// <summary>Where a source is.</summary>
    public static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, "Programs", file);
}
