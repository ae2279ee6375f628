using System.Diagnostics;
using Snap.Image;
using Snap.Store.Disk;
using Snap.Store.Tests.Disk;
using Snap.Store.Tests.Model;

namespace Snap.Store.Tests;

/// <summary>The store on real files: modes, locks, leases, owners.</summary>
public sealed class StoreFilesTests
{
    [Fact]
    public void A_history_on_real_files_reads_back()
    {
        using var directory = new TemporaryDirectory();
        var history = new RandomHistory(41);
        using (StoreWriter writer = StoreWriter.Open(directory.Store, new StoreOptions { SegmentBytes = 300_000 }))
        {
            for (int step = 0; step < 30; step++)
                history.Step(writer);
        }
        using StoreReader reader = StoreReader.Open(directory.Store);
        history.AssertAll(reader);
    }

    [Fact]
    public void Directories_have_mode_700_and_files_600()
    {
        using var directory = new TemporaryDirectory();
        using (StoreWriter writer = StoreWriter.Open(directory.Store))
            new RandomHistory(1).Step(writer);
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(directory.Store));
        foreach (string path in Directory.EnumerateFileSystemEntries(directory.Store, "*", SearchOption.AllDirectories))
        {
            UnixFileMode expected = Directory.Exists(path) ? OwnerOnly | UnixFileMode.UserExecute : OwnerOnly;
            Assert.Equal(expected, File.GetUnixFileMode(path));
        }
    }

    [Fact]
    public void A_second_writer_is_refused_with_the_name_of_the_first()
    {
        using var directory = new TemporaryDirectory();
        using StoreWriter first = StoreWriter.Open(directory.Store, new StoreOptions { HolderName = "snap watch web" });
        SnapException busy = Assert.Throws<SnapException>(() => StoreWriter.Open(directory.Store));
        Assert.Equal(ErrorCatalogue.StoreBusy, busy.Kind);
        Assert.Contains($"pid {Environment.ProcessId} (snap watch web)", busy.What, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reader_beside_a_writer_sees_what_was_committed_once_refreshed()
    {
        using var directory = new TemporaryDirectory();
        using StoreWriter writer = StoreWriter.Open(directory.Store);
        using StoreReader reader = StoreReader.Open(directory.Store);
        var history = new RandomHistory(3);
        while (history.Committed.Count < 3)
            history.Step(writer);
        Assert.Empty(reader.Snapshots);
        reader.Refresh();
        history.AssertAll(reader);
    }

    [Fact]
    public void A_lease_is_a_lock_that_others_see_until_the_last_user_is_gone()
    {
        using var directory = new TemporaryDirectory();
        var history = new RandomHistory(4);
        using (StoreWriter writer = StoreWriter.Open(directory.Store))
        {
            while (history.Committed.Count == 0)
                history.Step(writer);
        }
        var disk = new PosixDisk(directory.Store);
        using IDiskFile leases = disk.OpenOrNull(StoreVersion.LeasePath, forWriting: false)!;
        Assert.False(leases.IsLockedByOthers(0, 1000));
        StoreReader reader = StoreReader.Open(directory.Store);
        SnapshotContent content = reader.OpenSnapshot(history.Committed.Keys.First());
        reader.Dispose();
        Assert.True(leases.IsLockedByOthers(0, 1000));
        history.Committed.Values.First().AssertEqual(content);
        content.Dispose();
        Assert.False(leases.IsLockedByOthers(0, 1000));
    }

    // Goal: a holder that crashed is no obstacle. Method: another program takes the writer's lock, then a lease, and is killed with SIGKILL.
    [SkippableFact]
    public void Locks_and_leases_of_a_killed_process_are_gone()
    {
        using var directory = new TemporaryDirectory();
        var history = new RandomHistory(5, pagesPerSnapshot: 30);
        var options = new StoreOptions { SegmentBytes = 50_000 };
        using (StoreWriter writer = StoreWriter.Open(directory.Store, options))
        {
            while (history.Committed.Count < 10)
                history.Step(writer);
        }
        using (Process holder = HoldLock(directory.Store, "lock", exclusive: true))
        {
            Assert.Equal(ErrorCatalogue.StoreBusy, Assert.Throws<SnapException>(() => StoreWriter.Open(directory.Store)).Kind);
            holder.Kill();
            holder.WaitForExit();
        }
        using StoreWriter next = StoreWriter.Open(directory.Store, options);
        using Process reader = HoldLock(directory.Store, "leases", exclusive: false);
        Assert.True(next.CollectGarbage(new GarbageOptions { Policy = new RetentionPolicy { KeepLast = 1 } }).FilesLeased > 0);
        reader.Kill();
        reader.WaitForExit();
        Assert.Equal(0, next.CollectGarbage(new GarbageOptions()).FilesLeased);
    }

    [Fact]
    public void A_directory_with_other_files_is_not_made_a_store()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(Path.Combine(directory.Path, "letter.txt"), "dear");
        Assert.Equal(ErrorCatalogue.NotAStore, Assert.Throws<SnapException>(() => StoreWriter.Open(directory.Path)).Kind);
        Assert.Equal(ErrorCatalogue.NotAStore, Assert.Throws<SnapException>(() => StoreReader.Open(directory.Path)).Kind);
        Assert.Equal(ErrorCatalogue.StoreNotFound, Assert.Throws<SnapException>(() => StoreReader.Open(directory.Store)).Kind);
    }

    [SkippableFact]
    public void Root_refuses_a_store_of_another_user()
    {
        Skip.If(Environment.UserName != "root", "only root can give a directory away");
        using var directory = new TemporaryDirectory();
        StoreWriter.Open(directory.Store).Dispose();
        using (var chown = Process.Start("chown", ["-R", "65534", directory.Store]))
            chown.WaitForExit();
        SnapException refused = Assert.Throws<SnapException>(() => StoreReader.Open(directory.Store));
        Assert.Equal(ErrorCatalogue.StoreForeign, refused.Kind);
        Assert.Throws<SnapException>(() => StoreWriter.Open(directory.Store));
    }

    [Fact]
    public void Unknown_features_refuse_writing_or_all_use()
    {
        using var directory = new TemporaryDirectory();
        StoreWriter.Open(directory.Store).Dispose();
        string path = Path.Combine(directory.Store, "config");
        var config = Format.StoreConfig.Decode(File.ReadAllBytes(path), path, forWriting: true);
        File.WriteAllBytes(path, config.Encode(readOnlyFeatures: 1));
        StoreReader.Open(directory.Store).Dispose();
        Assert.Equal(ErrorCatalogue.StoreTooNew, Assert.Throws<SnapException>(() => StoreWriter.Open(directory.Store)).Kind);
        File.WriteAllBytes(path, config.Encode(incompatibleFeatures: 8));
        Assert.Equal(ErrorCatalogue.StoreTooNew, Assert.Throws<SnapException>(() => StoreReader.Open(directory.Store)).Kind);
    }

    [Fact]
    public void Opening_a_store_reads_the_catalog_only()
    {
        using var directory = new TemporaryDirectory();
        byte[] page = new byte[4096];
        using (StoreWriter writer = StoreWriter.Open(directory.Store))
        {
            SnapshotId parent = SnapshotId.None;
            for (int i = 0; i < 300; i++)
            {
                page[0] = (byte)(1 + (i % 7));
                using SnapshotBuilder builder = writer.Begin("alpha", parent);
                builder.Put(new SpaceId(1), (ulong)i, page);
                parent = builder.Commit(new SnapshotHeader("alpha", DateTimeOffset.UnixEpoch.AddSeconds(i)), "image"u8).Id;
            }
        }
        foreach (string segment in Directory.EnumerateFiles(Path.Combine(directory.Store, "segments")))
            File.Move(segment, segment + ".away");
        using StoreReader reader = StoreReader.Open(directory.Store);
        Assert.Equal(300, reader.Snapshots.Count);
        Assert.Equal(300ul, reader.Resolve("latest", DateTimeOffset.UnixEpoch).Sequence);
    }

    // Goal: opening a store costs what its catalog weighs, not what was ever written. Method: counted: bytes read of a store of 10,000 snapshots, per
    // snapshot, against one of 100; nothing but the catalog is opened.
    [Fact]
    public void Opening_ten_thousand_snapshots_reads_no_more_of_each_than_opening_a_hundred()
    {
        (long few, long many) = (BytesToOpen(100), BytesToOpen(10_000));
        Assert.InRange(many / 10_000.0, 1, 1.5 * few / 100);
        Assert.InRange(many / 10_000.0, 1, 400);

        static long BytesToOpen(int count)
        {
            var disk = new CrashDisk();
            using (StoreWriter writer = StoreWriter.Open(disk, new StoreOptions { Durability = Durability.Relaxed }))
            {
                byte[] page = new byte[4096];
                SnapshotId parent = SnapshotId.None;
                for (int i = 0; i < count; i++)
                {
                    page[0] = (byte)(1 + (i % 7));
                    using SnapshotBuilder builder = writer.Begin("alpha", parent);
                    builder.Put(new SpaceId(1), 1, page);
                    parent = builder.Commit(new SnapshotHeader("alpha", DateTimeOffset.UnixEpoch.AddSeconds(i)), default).Id;
                }
            }
            long before = disk.BytesRead;
            using StoreReader reader = StoreReader.Open(disk);
            Assert.Equal(count, reader.Snapshots.Count);
            Assert.Equal((ulong)count, reader.Resolve("latest", DateTimeOffset.UnixEpoch).Sequence);
            // And reads it once.
            long catalog = disk.Paths.Where(path => path.StartsWith("catalog.", StringComparison.Ordinal)).Sum(path => disk.BytesOf(path).Length);
            Assert.InRange(disk.BytesRead - before, catalog, catalog + 1000);
            return disk.BytesRead - before;
        }
    }

    /// <summary>A program that holds an open-file-description lock on a file's first byte.</summary>
    private static Process HoldLock(string store, string file, bool exclusive)
    {
        Skip.IfNot(File.Exists("/usr/bin/python3"), "python3 holds the lock, and isn't installed");
        string program = $"""
            import fcntl, os, struct, time
            f = os.open('{Path.Combine(store, file)}', os.O_RDWR)
            fcntl.fcntl(f, 37, struct.pack('hhqqi4x', fcntl.{(exclusive ? "F_WRLCK" : "F_RDLCK")}, 0, 0, 1, 0))
            print('held', flush=True)
            time.sleep(600)
            """;
        Process holder = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-c", program]) { RedirectStandardOutput = true })!;
        Assert.Equal("held", holder.StandardOutput.ReadLine());
        return holder;
    }
}
