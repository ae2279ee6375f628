using System.Collections;
using System.Reflection;
using System.Text.Json.Serialization;

namespace Snap.Image.Tests;

/// <summary>Images in which every member of every record has a random value, made and compared by reflection: a member that is added is covered at once.</summary>
internal sealed class RandomImage(int seed)
{
    private readonly Random _random = new(seed);

    public SnapshotImage Make() => (SnapshotImage)Make(typeof(SnapshotImage)) with { Version = ImageCodec.CurrentVersion, Requires = [] };

    /// <summary>The path of the first member that differs; null if none does.</summary>
    public static string? FindDifference(object? one, object? other, string path = "image")
    {
        if (one is null || other is null)
            return one is null && other is null ? null : path;
        if (one.GetType() != other.GetType() && one is not IEnumerable)
            return $"{path}: {one.GetType().Name} and {other.GetType().Name}";
        if (one is string or ValueType)
            return one.Equals(other) ? null : $"{path}: {one} and {other}";
        if (one is IEnumerable list)
        {
            object?[] left = [.. list.Cast<object?>()], right = [.. ((IEnumerable)other).Cast<object?>()];
            return left.Length != right.Length ? $"{path}: {left.Length} and {right.Length} elements"
                : left.Select((item, i) => FindDifference(item, right[i], $"{path}[{i}]")).FirstOrDefault(found => found is not null);
        }

        return Members(one.GetType()).Select(member => FindDifference(member.GetValue(one), member.GetValue(other), $"{path}.{member.Name}")).FirstOrDefault(found => found is not null);
    }

    private static IEnumerable<PropertyInfo> Members(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(member => member.CanWrite && member.GetIndexParameters().Length == 0);

    private object Make(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner)
            return Make(inner);
        if (type.IsEnum)
            return Enum.GetValues(type).GetValue(_random.Next(Enum.GetValues(type).Length))!;
        if (type == typeof(string))
            return string.Concat(Enumerable.Range(0, _random.Next(6)).Select(_ => (char)_random.Next(' ', 0x2FF)));
        if (type == typeof(bool))
            return _random.Next(2) == 1;
        if (type == typeof(byte[]))
            return Bytes(_random.Next(40));
        if (type == typeof(SpaceId))
            return new SpaceId((uint)_random.Next());
        if (type == typeof(SnapshotId))
            return SnapshotId.Read(Bytes(SnapshotId.Size));
        if (type == typeof(DateTimeOffset))
            return DateTimeOffset.UnixEpoch.AddTicks(_random.NextInt64(1L << 60));
        if (type.IsPrimitive)
            return Number(type);
        if (type.IsArray)
            return List(type.GetElementType()!);
        if (type.IsGenericType && type.IsAssignableTo(typeof(IEnumerable)))
            return List(type.GetGenericArguments()[0]);
        if (type.IsAbstract)
        {
            Type[] kinds = [.. type.GetCustomAttributes<JsonDerivedTypeAttribute>().Select(kind => kind.DerivedType)];
            return Make(kinds[_random.Next(kinds.Length)]);
        }

        return Record(type);
    }

    private object Record(Type type)
    {
        ConstructorInfo? constructor = type.GetConstructors().OrderByDescending(one => one.GetParameters().Length).FirstOrDefault();
        object made = constructor is null ? Activator.CreateInstance(type)! : constructor.Invoke([.. constructor.GetParameters().Select(parameter => Make(parameter.ParameterType))]);
        foreach (PropertyInfo member in Members(type))
            member.SetValue(made, Make(member.PropertyType));
        return made;
    }

    private object Number(Type type)
    {
        byte[] bytes = Bytes(8);
        return Type.GetTypeCode(type) switch
        {
            TypeCode.Byte => bytes[0],
            TypeCode.Int16 => BitConverter.ToInt16(bytes),
            TypeCode.UInt16 => BitConverter.ToUInt16(bytes),
            TypeCode.Int32 => BitConverter.ToInt32(bytes),
            TypeCode.UInt32 => BitConverter.ToUInt32(bytes),
            TypeCode.Int64 => BitConverter.ToInt64(bytes),
            TypeCode.UInt64 => BitConverter.ToUInt64(bytes),
            _ => throw new NotSupportedException(type.Name),
        };
    }

    private Array List(Type element)
    {
        var list = Array.CreateInstance(element, _random.Next(1, 4));
        for (int i = 0; i < list.Length; i++)
            list.SetValue(Make(element), i);
        return list;
    }

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }
}
