using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Kernel.Tests.Abi;

/// <summary>The C program that prints what the headers say of every type of ours that mirrors one, and what we say of the same.</summary>
/// <remarks>One translation unit a type, because headers of libc and of the kernel can't always be included together.</remarks>
internal sealed class AbiProgram
{
    private readonly List<string> _units = [];

    /// <summary>What each fact must be, by its name: <c>struct iovec</c> (size), <c>iovec.iov_len@</c> (offset), <c>Fcntl.O_RDONLY</c> (value).</summary>
    internal Dictionary<string, ulong> Ours { get; } = [];

    /// <summary>Types of the namespace that carry no attribute, and members that are neither a constant nor a field: nothing would check them.</summary>
    internal List<string> Unchecked { get; } = [];

    internal static AbiProgram Of(Assembly assembly)
    {
        var program = new AbiProgram();
        foreach (Type type in assembly.GetTypes().Where(IsOfTheAbi).OrderBy(type => type.FullName, StringComparer.Ordinal))
            program.Add(type);
        return program;
    }

    /// <summary>Compiles, runs, and returns the facts that it printed.</summary>
    internal Dictionary<string, ulong> Run()
    {
        string directory = Directory.CreateTempSubdirectory("snap-abi-").FullName;
        try
        {
            var sources = new List<string>();
            for (int i = 0; i < _units.Count; i++)
                sources.Add(Write(directory, $"unit{i}.c", _units[i]));
            string calls = string.Concat(_units.Select((_, i) => $"void unit{i}(void); unit{i}();\n"));
            sources.Add(Write(directory, "main.c", $"int main(void) {{\n{calls}return 0; }}\n"));
            string binary = Path.Combine(directory, "abi");
            string errors = Path.Combine(directory, "errors");
            Assert.True(Execute("gcc", ["-w", "-o", binary, .. sources], errors) == 0, File.ReadAllText(errors));
            string output = Path.Combine(directory, "output");
            Assert.Equal(0, Execute(binary, [], output));
            return File.ReadLines(output).Select(line => line.Split('\t'))
                .ToDictionary(parts => parts[0], parts => ulong.Parse(parts[1], CultureInfo.InvariantCulture));
        }
        finally
        {
            Directory.Delete(directory, true);
        }
    }

    private static bool IsOfTheAbi(Type type) =>
        !type.IsSubclassOf(typeof(Attribute)) && !type.IsDefined(typeof(CompilerGeneratedAttribute))
        && (type.Namespace == typeof(AbiStructAttribute).Namespace || type.IsDefined(typeof(AbiStructAttribute))
            || type.IsDefined(typeof(AbiConstantsAttribute)));

    private void Add(Type type)
    {
        if (type.GetCustomAttribute<AbiStructAttribute>() is { } mirror)
            AddStruct(type, mirror);
        else if (type.GetCustomAttribute<AbiConstantsAttribute>() is { } constants)
            AddConstants(type, constants);
        else
            Unchecked.Add(type.FullName!);
    }

    private void AddStruct(Type type, AbiStructAttribute mirror)
    {
        StringBuilder unit = Begin([mirror.Header]);
        int size = Marshal.SizeOf(type);
        Fact(unit, $"sizeof {type.Name}", $"sizeof({mirror.Name})", (ulong)size);
        if (size != ManagedSize(type))
            Unchecked.Add($"{type.Name}: its managed size is {ManagedSize(type)}, its marshalled size {size}");
        foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            string name = field.GetCustomAttribute<AbiFieldAttribute>()?.Name ?? field.Name;
            Fact(unit, $"offset {type.Name}.{field.Name}", $"offsetof({mirror.Name}, {name})", (ulong)Marshal.OffsetOf(type, field.Name));
            Fact(unit, $"size {type.Name}.{field.Name}", $"sizeof((({mirror.Name} *)0)->{name})", (ulong)ManagedSize(field.FieldType));
        }

        foreach (FieldInfo field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            Unchecked.Add($"{type.Name}.{field.Name}: a constant in a struct");
        End(unit);
    }

    private void AddConstants(Type type, AbiConstantsAttribute constants)
    {
        StringBuilder unit = Begin(constants.Headers);
        foreach (FieldInfo field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
        {
            string member = $"{type.Name}.{field.Name}";
            if (NewerThanHeaders.OwnNames.Any(own => own.Member == member))
                continue;
            if (field.IsLiteral && field.GetRawConstantValue() is IConvertible value and not string)
                Fact(unit, member, constants.Prefix + field.Name, Bits(value));
            else
                Unchecked.Add($"{member}: not a constant");
        }

        End(unit);
    }

    private static StringBuilder Begin(IReadOnlyList<string> headers)
    {
        var unit = new StringBuilder("#define _GNU_SOURCE\n#include <stdio.h>\n#include <stddef.h>\n#include <linux/version.h>\n");
        foreach (string header in headers)
            unit.Append(CultureInfo.InvariantCulture, $"#include <{header}>\n");
        foreach ((_, string guard, string definition, (int Major, int Minor) since) in NewerThanHeaders.Structs.Where(entry => headers.Contains(entry.Header)))
            unit.Append(CultureInfo.InvariantCulture, $"{IfMissing(guard, since)}{definition}\n#endif\n");
        foreach ((_, string name, string definition, (int Major, int Minor) since) in NewerThanHeaders.Constants.Where(entry => headers.Contains(entry.Header)))
            unit.Append(CultureInfo.InvariantCulture, $"{IfMissing(name, since)}#define {name} {definition}\n#endif\n");
        return unit.Append("void UNIT(void) {\n");
    }

    /// <remarks>Enumerators can't be asked for by #ifdef, so the headers' release is asked too.</remarks>
    private static string IfMissing(string name, (int Major, int Minor) since) => string.Create(
        CultureInfo.InvariantCulture, $"#if !defined({name}) && LINUX_VERSION_CODE < KERNEL_VERSION({since.Major}, {since.Minor}, 0)\n");

    private void End(StringBuilder unit) =>
        _units.Add(unit.Append("}\n").Replace("UNIT", string.Create(CultureInfo.InvariantCulture, $"unit{_units.Count}")).ToString());

    private void Fact(StringBuilder unit, string name, string expression, ulong ours)
    {
        Ours.Add(name, ours);
        unit.Append(CultureInfo.InvariantCulture, $"printf(\"{name}\\t%llu\\n\", (unsigned long long)({expression}));\n");
    }

    /// <summary>As C converts it to unsigned long long: signed types keep their sign.</summary>
    private static ulong Bits(IConvertible value) => value.GetTypeCode() is TypeCode.UInt64
        ? value.ToUInt64(CultureInfo.InvariantCulture)
        : unchecked((ulong)value.ToInt64(CultureInfo.InvariantCulture));

    private static int ManagedSize(Type type) => (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    private static string Write(string directory, string name, string text)
    {
        string path = Path.Combine(directory, name);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Runs a program with its output and errors in a file.</summary>
    private static int Execute(string program, string[] arguments, string output)
    {
        using FileDescriptor file = FileDescriptor.Open(output, Fcntl.O_WRONLY | Fcntl.O_CREAT, 0x180);
        ChildProcess child = ChildProcess.Start(new SpawnOptions
        {
            Program = program,
            Arguments = arguments,
            Descriptors = new Dictionary<int, FileDescriptor> { [1] = file, [2] = file },
        });
        return child.Wait().ShellCode;
    }
}
