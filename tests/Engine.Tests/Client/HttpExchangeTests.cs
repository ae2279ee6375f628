using System.Text;
using Snap.Engine.Client;
using Snap.Kernel.Files;

namespace Snap.Engine.Tests.Client;

/// <summary>Answers of HTTP in every form that a server may choose, cut anywhere.</summary>
public sealed class HttpExchangeTests
{
    private const string Continue = "HTTP/1.1 100 Continue\r\n\r\n";

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{}\nabc\n\n", 200)]
    [InlineData("HTTP/1.1 409 Conflict\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n6\r\n\nabc\n\n\r\n0\r\n\r\n", 409)]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-type: x\r\n\r\n{}\nabc\n\n", 200)]
    public void An_answer_is_read_whole_and_line_by_line(string answer, int status)
    {
        using (HttpExchange exchange = Answered(Continue + answer))
        {
            Assert.True(exchange.TryReadHead());
            Assert.Equal((status, true), (exchange.Status, exchange.WasTakenUp));
            Assert.Equal("{}\nabc\n\n", Encoding.ASCII.GetString(exchange.ReadBody()!));
        }

        using HttpExchange lines = Answered(answer);
        Assert.True(lines.TryReadHead());
        Assert.Equal(["{}", "abc", ""], Lines(lines));
    }

    [Fact]
    public void An_answer_that_is_cut_off_is_never_taken_for_a_whole_one()
    {
        const string answer = Continue + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n0\r\n\r\n";
        // The last line end belongs to trailers, which nobody needs.
        for (int length = 0; length < answer.Length - 2; length++)
        {
            using HttpExchange exchange = Answered(answer[..length]);
            if (exchange.TryReadHead())
                Assert.Null(exchange.ReadBody());
            else
                Assert.Equal(length >= Continue.Length, exchange.WasTakenUp);
        }
    }

    [Fact]
    public void Long_lines_and_heads_are_read()
    {
        string line = new('x', 100_000), header = new('y', 30_000);
        using HttpExchange exchange = Answered($"HTTP/1.1 200 OK\r\nLong: {header}\r\nContent-Length: {line.Length + 1}\r\n\r\n{line}\n");
        Assert.True(exchange.TryReadHead());
        Assert.Equal([line], Lines(exchange));
    }

    [Fact]
    public void What_is_no_http_is_an_error()
    {
        using HttpExchange exchange = Answered("SSH-2.0-OpenSSH\r\n");
        Assert.Throws<InvalidDataException>(() => exchange.TryReadHead());
    }

    private static string[] Lines(HttpExchange exchange)
    {
        var lines = new List<string>();
        while (exchange.ReadBodyLine() is { } line)
            lines.Add(Encoding.ASCII.GetString(line));
        return [.. lines];
    }

    private static HttpExchange Answered(string answer)
    {
        (FileDescriptor ours, FileDescriptor theirs) = FileDescriptor.CreateSocketPair();
        HttpExchange exchange = HttpExchange.Send(ours, "POST", "/", "{}"u8);
        new Thread(() =>
        {
            using (theirs)
            {
                theirs.TryRead(new byte[4096]);
                theirs.WriteAll(Encoding.ASCII.GetBytes(answer));
            }
        }).Start();
        return exchange;
    }
}
