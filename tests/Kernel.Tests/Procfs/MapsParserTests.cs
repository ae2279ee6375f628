using System.Globalization;
using System.Text;
using Snap.Kernel.Procfs;

namespace Snap.Kernel.Tests.Procfs;

public class MapsParserTests
{
    private static readonly (string Column, MappingKind Kind, string Path, bool Deleted, bool Ambiguous)[] Names =
    [
        ("", MappingKind.Anonymous, "", false, false),
        ("/usr/bin/x", MappingKind.File, "/usr/bin/x", false, false),
        ("/tmp/a b  c ", MappingKind.File, "/tmp/a b  c ", false, false),
        ("/tmp/x (deleted)", MappingKind.File, "/tmp/x", true, false),
        ("/tmp/q\\012r/\\ (deleted)", MappingKind.File, "/tmp/q\nr/\\", true, true),
        ("/memfd:doublemapper (deleted)", MappingKind.File, "/memfd:doublemapper", true, false),
        ("/dev/zero (deleted)", MappingKind.File, "/dev/zero", true, false),
        ("[heap]", MappingKind.Heap, "[heap]", false, false),
        ("[stack]", MappingKind.Stack, "[stack]", false, false),
        ("[vdso]", MappingKind.Vdso, "[vdso]", false, false),
        ("[vvar]", MappingKind.Vvar, "[vvar]", false, false),
        ("[vvar_vclock]", MappingKind.VvarVclock, "[vvar_vclock]", false, false),
        ("[vsyscall]", MappingKind.Vsyscall, "[vsyscall]", false, false),
        ("[anon:glibc: malloc arena]", MappingKind.NamedAnonymous, "[anon:glibc: malloc arena]", false, false),
        ("[anon_shmem:ring]", MappingKind.NamedSharedAnonymous, "[anon_shmem:ring]", false, false),
        ("[uprobes]", MappingKind.OtherSpecial, "[uprobes]", false, false),
        ("anon_inode:[io_uring]", MappingKind.File, "anon_inode:[io_uring]", false, false),
    ];

    [Fact]
    public void Generated_maps_read_back_as_generated()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            List<MapsEntry> wanted = [];
            byte[] text = Generate(random, wanted);
            List<MapsEntry> read = [];
            new MapsParser().Parse(text, read);
            Assert.True(wanted.SequenceEqual(read), $"seed {seed}");
        }
    }

    [Fact]
    public void Cut_or_mangled_maps_give_only_the_documented_exception()
    {
        byte[] text = Generate(new Random(3), []);
        var parser = new MapsParser();
        List<MapsEntry> entries = [];
        ParserFuzz.Run(text, bytes => parser.Parse(bytes, entries));
    }

    [Fact]
    public void Cut_maps_are_never_taken_for_whole_ones()
    {
        byte[] text = Generate(new Random(4), []);
        List<MapsEntry> entries = [];
        for (int length = 1; length < text.Length; length++)
        {
            if (text[length - 1] != '\n')
                Assert.Throws<ProcfsFormatException>(() => new MapsParser().Parse(text.AsSpan(0, length), entries));
        }
    }

    [Fact]
    public void Names_that_are_not_utf8_keep_their_bytes()
    {
        byte[] line = [.. "1000-2000 r--p 00000000 fe:00 12      "u8, (byte)'/', 0xFF, (byte)'x'];
        MapsEntry entry = new MapsParser().ParseLine(line);
        Assert.Equal([(byte)'/', 0xFF, (byte)'x'], KernelText.Encode(entry.Path));
    }

    [Fact]
    public void The_label_of_a_named_mapping_is_what_stands_behind_the_first_colon()
    {
        Assert.Equal("a:b", MapsName.Parse("[anon:a:b]"u8).Label);
        Assert.Equal("ring", MapsName.Parse("[anon_shmem:ring]"u8).Label);
        Assert.Null(MapsName.Parse("[heap]"u8).Label);
    }

    [Fact]
    public void An_entry_prints_as_people_read_maps()
    {
        Assert.Equal("1000-3000 rw-s /dev/zero (deleted)", new MapsParser().ParseLine("1000-3000 rw-s 0 00:01 5 /dev/zero (deleted)"u8).ToString());
        Assert.Equal("1000-3000 ---p", new MapsParser().ParseLine("1000-3000 ---p 0 00:00 0 "u8).ToString());
    }

    private static byte[] Generate(Random random, List<MapsEntry> wanted)
    {
        var text = new StringBuilder();
        ulong end = 0;
        for (int i = random.Next(1, 60); i > 0; i--)
        {
            ulong start = end + ((ulong)random.Next(0, 1 << 20) << 12);
            end = i == 1 ? 0xffffffffff601000 : start + ((ulong)random.Next(1, 1 << 20) << 12);
            var access = (MapsAccess)random.Next(16);
            ulong offset = random.Next(3) == 0 ? ulong.MaxValue & ~0xfffUL : (ulong)random.Next() << 12;
            var device = new DeviceNumber((uint)random.Next(4096), (uint)random.Next(1 << 20));
            ulong inode = random.Next(3) == 0 ? ulong.MaxValue : (ulong)random.Next();
            (string column, MappingKind kind, string path, bool deleted, bool ambiguous) = Names[random.Next(Names.Length)];
            string letters = string.Concat(
                access.HasFlag(MapsAccess.Read) ? 'r' : '-', access.HasFlag(MapsAccess.Write) ? 'w' : '-',
                access.HasFlag(MapsAccess.Execute) ? 'x' : '-', access.HasFlag(MapsAccess.Shared) ? 's' : 'p');
            string line = string.Create(
                CultureInfo.InvariantCulture, $"{start:x8}-{end:x8} {letters} {offset:x8} {device.Major:x2}:{device.Minor:x2} {inode} ");
            text.Append(column.Length == 0 ? line : line.PadRight(73) + column).Append('\n');
            var name = new MapsName { Kind = kind, Path = path, IsDeleted = deleted, IsAmbiguous = ambiguous };
            wanted.Add(new MapsEntry(start, end, access, offset, device, inode, name));
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
