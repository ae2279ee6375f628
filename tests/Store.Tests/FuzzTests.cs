using Snap.Fuzz.Store;

namespace Snap.Store.Tests;

/// <summary>A short run of fuzz/Store; longer ones by SNAP_TEST_SCALE, or the program itself.</summary>
public sealed class FuzzTests
{
    public static TheoryData<string> Parsers => [.. StoreParsers.All.Keys];

    [Theory]
    [MemberData(nameof(Parsers))]
    public void Broken_inputs_are_refused_by_documented_errors_in_bounded_time_and_memory(string parser)
    {
        ILookup<string, byte[]> corpus = StoreCorpus.Read(Path.Combine(AppContext.BaseDirectory, "corpus"));
        var fuzzer = new StoreFuzzer(corpus, seed: 4711);
        Assert.True(fuzzer.Run(parser, 4000 * TestScale.Value) > 0, "not even the corpus is accepted");
    }

    [Fact]
    public void The_corpus_has_inputs_for_every_parser()
    {
        ILookup<string, byte[]> corpus = StoreCorpus.Read(Path.Combine(AppContext.BaseDirectory, "corpus"));
        Assert.All(StoreParsers.All.Keys, parser => Assert.True(corpus.Contains(parser), parser));
    }
}
