using Snap.Store.Format;
using Snap.Store.Segments;
using Snap.Store.Tests.Disk;

namespace Snap.Store.Tests.Segments;

public sealed class SegmentFileTests
{
    // Goal: the search by guesses finds what a walk over all entries finds. Method: slots with gaps, masks and strange spacing, all asked for.
    [Fact]
    public void Every_slot_is_found_whatever_the_spacing()
    {
        for (int seed = 0; seed < 60 * TestScale.Value; seed++)
        {
            var random = new Random(seed);
            using var file = new SegmentFile(new CrashDisk(), 1, 1);
            var entries = new List<SlotEntry>();
            uint slot = (uint)random.Next(40);
            for (int i = random.Next(60); i > 0; i--)
            {
                entries.Add(new SlotEntry(slot, (ushort)(random.Next(1 << 16) | 1), i * 100L, 100));
                slot += (uint)entries[^1].Span + (uint)(random.Next(3) switch { 0 => 0, 1 => random.Next(20), _ => random.Next(20) * random.Next(200) });
            }
            entries.ForEach(file.AddEntry);
            for (uint asked = 0; asked < slot + 20; asked++)
            {
                SlotEntry expected = entries.Find(entry => entry.Holds(asked));
                Assert.Equal(expected != default, file.TryFind(asked, newestTable: null, out SlotEntry found));
                if (expected != default)
                    Assert.Equal(expected, found);
            }
        }
    }
}
