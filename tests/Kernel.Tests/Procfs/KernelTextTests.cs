using System.Text;
using Snap.Kernel.Procfs;

namespace Snap.Kernel.Tests.Procfs;

public class KernelTextTests
{
    [Fact]
    public void Any_bytes_survive_the_round_trip()
    {
        var random = new Random(1);
        for (int i = 0; i < 20000; i++)
        {
            var bytes = new byte[random.Next(24)];
            random.NextBytes(bytes);
            if (i % 2 == 0)
            {
                byte[] text = Encoding.UTF8.GetBytes("héllo €😀");
                bytes = [.. text.AsSpan(0, random.Next(text.Length + 1)), .. bytes];
            }

            Assert.Equal(bytes, KernelText.Encode(KernelText.Decode(bytes)));
        }
    }

    [Fact]
    public void Encoded_surrogates_are_not_text_and_survive_too()
    {
        byte[] bytes = [0xED, 0xB2, 0x80, (byte)'a'];
        string text = KernelText.Decode(bytes);
        Assert.False(KernelText.IsPlain(text));
        Assert.Equal(bytes, KernelText.Encode(text));
    }

    [Fact]
    public void A_valid_name_is_plain_and_reads_as_it_is()
    {
        Assert.Equal("a b😀", KernelText.Decode("a b😀"u8));
        Assert.True(KernelText.IsPlain("a b😀"));
        Assert.Throws<ArgumentException>(() => KernelText.Encode("\uD800"));
    }

    [Fact]
    public void Octal_escapes_of_mountinfo_are_undone_exactly()
    {
        Assert.Equal("/a b\\040\n", KernelText.DecodeOctalEscaped("/a\\040b\\134040\\012"u8));
        Assert.Equal("\\", KernelText.DecodeOctalEscaped("\\"u8));
        Assert.Equal("\\08x\\4", KernelText.DecodeOctalEscaped("\\08x\\4"u8));
    }
}
