using System.Globalization;
using Snap.Kernel.Procfs;

namespace Snap.Kernel.Tests.Procfs;

public class MapsReaderTests
{
    [Fact]
    public void A_sleeping_process_reads_as_the_file_shows_it()
    {
        using SpawnedProcess child = Sleeping();
        using MapsReader reader = MapsReader.OpenOrGone(child.Pid)!;
        List<MapsEntry> entries = [];
        Assert.True(reader.TryRead(entries));
        string[] lines = File.ReadAllLines($"/proc/{child.Pid}/maps");
        Assert.Equal(lines.Length, entries.Count);
        for (int i = 0; i < lines.Length; i++)
        {
            string[] columns = lines[i].Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            MapsEntry entry = entries[i];
            Assert.StartsWith($"{entry.Start:x}-{entry.End:x} {columns[1]}", entry.ToString());
            Assert.Equal(columns[2], entry.Offset.ToString("x8", CultureInfo.InvariantCulture));
            Assert.Equal(columns[3], entry.Device.ToString());
            Assert.Equal(columns[4], entry.Inode.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(columns.Length > 5 ? columns[5].TrimStart() : "", entry.Name.ToString());
        }

        Assert.Contains(entries, entry => entry.Kind == MappingKind.Stack);
        Assert.Contains(entries, entry => entry.Kind == MappingKind.Vdso && entry.IsKernelProvided);
    }

    [Fact]
    public void A_reread_allocates_nothing()
    {
        using SpawnedProcess child = Sleeping();
        using MapsReader reader = MapsReader.OpenOrGone(child.Pid)!;
        List<MapsEntry> entries = [];
        for (int i = 0; i < 100; i++)
            Assert.True(reader.TryRead(entries));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            reader.TryRead(entries);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void After_exec_the_new_address_space_is_read_and_counted()
    {
        using SpawnedProcess child = SpawnedProcess.Start("sh", "-c", "echo ready; read line; exec cat");
        child.ReadLine();
        using MapsReader reader = MapsReader.OpenOrGone(child.Pid)!;
        List<MapsEntry> entries = [];
        Assert.True(reader.TryRead(entries));
        Assert.Equal(0, reader.Replacements);
        string shell = entries[0].Path;
        child.WriteLine("go");
        child.WriteLine("in cat");
        Assert.Equal("in cat", child.ReadLine());
        Assert.True(reader.TryRead(entries));
        Assert.Equal(1, reader.Replacements);
        Assert.NotEqual(shell, entries[0].Path);
        Assert.True(reader.TryRead(entries));
        Assert.Equal(1, reader.Replacements);
    }

    [Fact]
    public void A_zombie_has_no_mappings_and_a_reaped_process_is_gone()
    {
        using SpawnedProcess child = Sleeping();
        using MapsReader reader = MapsReader.OpenOrGone(child.Pid)!;
        List<MapsEntry> entries = [];
        Assert.True(reader.TryRead(entries));
        child.Kill();
        while (TaskFiles.OfProcess(child.Pid).ReadStat() is { IsDead: false })
            Thread.Yield();
        Assert.True(reader.TryRead(entries));
        Assert.Empty(entries);
        child.Reap();
        Assert.False(reader.TryRead(entries));
        Assert.Null(MapsReader.OpenOrGone(child.Pid));
    }

    private static SpawnedProcess Sleeping()
    {
        // cat has run its loader to the end once it has answered.
        SpawnedProcess child = SpawnedProcess.Start("cat");
        child.WriteLine("ready");
        child.ReadLine();
        return child;
    }
}
