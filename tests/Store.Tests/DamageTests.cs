using Snap.Image;
using Snap.Store.Tests.Disk;
using Snap.Store.Tests.Model;

namespace Snap.Store.Tests;

public sealed class DamageTests
{
    // Goal: no damaged byte is ever returned. Method: every byte of every file of a small store is flipped in turn; each snapshot then reads
    // back as it was, or is refused with a named error.
    [Fact]
    public void A_flipped_bit_is_found_or_without_effect_and_never_returned()
    {
        var disk = new CrashDisk();
        var history = new RandomHistory(51, pagesPerSnapshot: 3);
        using (StoreWriter writer = StoreWriter.Open(disk, new StoreOptions()))
        {
            while (history.Committed.Count < 4)
                history.Step(writer);
        }
        CrashDisk clean = disk.Copy();
        int found = 0;
        var random = new Random(51);
        foreach (string path in clean.Paths.Where(path => path is not ("lock" or "leases" or "reserve")))
        {
            byte[] bytes = clean.BytesOf(path);
            for (int at = 0; at < bytes.Length; at += path.StartsWith("segments", StringComparison.Ordinal) ? 13 : 1)
            {
                byte[] damaged = (byte[])bytes.Clone();
                damaged[at] ^= (byte)(1 << random.Next(8));
                clean.SetBytes(path, damaged);
                found += CountRefused(clean, history);
            }
            clean.SetBytes(path, bytes);
        }
        Assert.True(found > 100, $"only {found} refusals");
        Assert.Equal(0, CountRefused(clean, history));
    }

    [Fact]
    public void Damage_in_one_page_is_named_and_leaves_other_snapshots_readable()
    {
        var disk = new CrashDisk();
        byte[] page = new byte[4096];
        new Random(1).NextBytes(page);
        SnapshotInfo first, second;
        using (StoreWriter writer = StoreWriter.Open(disk, new StoreOptions()))
        {
            using (SnapshotBuilder builder = writer.Begin("web", SnapshotId.None))
            {
                builder.Put(new SpaceId(3), 0x55, page);
                first = builder.Commit(new SnapshotHeader("web", DateTimeOffset.UnixEpoch), "image"u8);
            }
            new Random(2).NextBytes(page);
            using (SnapshotBuilder builder = writer.Begin("other", SnapshotId.None))
            {
                builder.Put(new SpaceId(3), 0x55, page);
                second = builder.Commit(new SnapshotHeader("other", DateTimeOffset.UnixEpoch), "image"u8);
            }
        }
        byte[] bytes = disk.BytesOf("segments/00000001.1");
        bytes[300] ^= 1;
        disk.SetBytes("segments/00000001.1", bytes);
        using StoreReader reader = StoreReader.Open(disk);
        using SnapshotContent hurt = reader.OpenSnapshot(first.Id);
        SnapException damage = Assert.Throws<SnapException>(() => hurt.ReadPages(new SpaceId(3), 0x55, new byte[4096]));
        Assert.Equal(ErrorCatalogue.StoreDamaged, damage.Kind);
        Assert.Contains("page 55000 of space 3 in snapshot web #1", damage.What, StringComparison.Ordinal);
        Assert.Contains("segments/00000001.1, offset", damage.Where, StringComparison.Ordinal);
        using SnapshotContent whole = reader.OpenSnapshot(second.Id);
        byte[] read = new byte[4096];
        whole.ReadPages(new SpaceId(3), 0x55, read);
        Assert.Equal(page, read);
    }

    private static int CountRefused(CrashDisk disk, RandomHistory history)
    {
        int refused = 0;
        try
        {
            using StoreReader reader = StoreReader.Open(disk);
            foreach ((SnapshotId id, ModelSnapshot model) in history.Committed)
            {
                try
                {
                    using SnapshotContent content = reader.OpenSnapshot(id);
                    model.AssertEqual(content);
                }
                catch (SnapException damage)
                {
                    Assert.Contains(damage.Kind, new[] { ErrorCatalogue.StoreDamaged, ErrorCatalogue.SnapshotNotFound });
                    refused++;
                }
            }
        }
        catch (SnapException damage)
        {
            Assert.Contains(damage.Kind, new[] { ErrorCatalogue.StoreDamaged, ErrorCatalogue.StoreTooNew });
            refused++;
        }
        return refused;
    }
}
