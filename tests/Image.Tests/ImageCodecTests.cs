using System.Text;
using System.Text.Json.Nodes;

namespace Snap.Image.Tests;

/// <summary>What is decoded is what was encoded, member by member; and nothing is taken that isn't wholly understood.</summary>
public sealed class ImageCodecTests
{
    [Fact]
    public void Every_member_of_every_record_comes_back()
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            SnapshotImage image = new RandomImage(seed).Make();
            string? differs = RandomImage.FindDifference(image, ImageCodec.Decode(ImageCodec.Encode(image)));
            Assert.True(differs is null, $"seed {seed}: {differs}");
        }
    }

    [Fact]
    public void Bytes_that_were_cut_or_changed_are_read_as_something_valid_or_refused_by_one_documented_error()
    {
        var random = new Random(7);
        byte[] whole = ImageCodec.Encode(new RandomImage(7).Make());
        for (int i = 0; i < 3000; i++)
        {
            byte[] broken = whole[..(i % 3 == 0 ? random.Next(whole.Length) : whole.Length)];
            for (int change = random.Next(3); change > 0 && broken.Length > 0; change--)
                broken[random.Next(broken.Length)] = (byte)random.Next(256);
            try
            {
                ImageCodec.Decode(broken);
            }
            catch (SnapException refused)
            {
                Assert.Contains(refused.Kind, new[] { ErrorCatalogue.ImageDamaged, ErrorCatalogue.ImageTooNew });
            }
        }
    }

    [Fact]
    public void An_unknown_member_anywhere_is_refused()
    {
        JsonNode image = JsonNode.Parse(ImageCodec.Encode(new RandomImage(3).Make()))!;
        foreach (JsonObject holder in new[] { image.AsObject(), image["host"]!.AsObject(), image["processes"]![0]!.AsObject(), image["descriptions"]![0]!.AsObject() })
        {
            holder["fromTheFuture"] = 1;
            Assert.Equal(ErrorCatalogue.ImageDamaged, Assert.Throws<SnapException>(() => ImageCodec.Decode(Encoding.UTF8.GetBytes(image.ToJsonString()))).Kind);
            holder.Remove("fromTheFuture");
        }

        ImageCodec.Decode(Encoding.UTF8.GetBytes(image.ToJsonString()));
    }

    [Fact]
    public void A_feature_or_version_that_is_not_known_is_refused()
    {
        SnapshotImage image = new RandomImage(5).Make();
        foreach (SnapshotImage newer in new[] { image with { Requires = ["telepathy"] }, image with { Version = ImageCodec.CurrentVersion + 1 }, image with { Version = 0 } })
            Assert.Equal(ErrorCatalogue.ImageTooNew, Assert.Throws<SnapException>(() => ImageCodec.Decode(ImageCodec.Encode(newer))).Kind);
    }
}
