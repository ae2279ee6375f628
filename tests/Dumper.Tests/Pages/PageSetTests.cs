using Snap.Dumper.Pages;
using Snap.Image;
using Xunit.Abstractions;

namespace Snap.Dumper.Tests.Pages;

/// <summary>Random histories against a plain set of page numbers. SNAP_SEED repeats one.</summary>
public sealed class PageSetTests(ITestOutputHelper output)
{
    private const ulong Pages = 200;
    private readonly PageSet _set = new();
    private readonly HashSet<ulong> _model = [];

    [Fact]
    public void It_holds_what_a_plain_set_of_pages_would()
    {
        int first = PageSeeds.First(output);
        for (int seed = first; seed < first + 300; seed++)
        {
            var random = new Random(seed);
            _set.Clear();
            _model.Clear();
            for (int step = 0; step < 60; step++)
            {
                Change(random);
                // Not after every change, so that several are sorted at once.
                if (random.Next(3) == 0)
                    AssertSame(random, $"seed {seed}, step {step}");
            }

            AssertSame(random, $"seed {seed}, end");
        }
    }

    [Fact]
    public void Runs_in_ascending_order_that_touch_become_one()
    {
        for (ulong page = 0; page < 10; page++)
            _set.Add(new PageRange(page, 1));
        Assert.Equal([new PageRange(0, 10)], _set.Runs);
    }

    [Fact]
    public void An_empty_range_changes_nothing()
    {
        _set.Add(new PageRange(5, 0));
        Assert.True(_set.IsEmpty);
        _set.Add(new PageRange(5, 3));
        _set.Remove(new PageRange(6, 0));
        Assert.Equal([new PageRange(5, 3)], _set.Runs);
    }

    private void Change(Random random)
    {
        PageRange range = PageSeeds.Range(random, Pages);
        switch (random.Next(8))
        {
            case 0 or 1 or 2 or 3:
                _set.Add(range);
                _model.UnionWith(PageSeeds.PagesOf(range));
                break;
            case 4 or 5:
                _set.Remove(range);
                _model.ExceptWith(PageSeeds.PagesOf(range));
                break;
            case 6:
                var other = new PageSet();
                for (int i = random.Next(5); i >= 0; i--)
                    other.Add(PageSeeds.Range(random, Pages));
                _set.Add(other);
                foreach (PageRange run in other.Runs)
                    _model.UnionWith(PageSeeds.PagesOf(run));
                break;
            case 7 when random.Next(6) == 0:
                _set.Clear();
                _model.Clear();
                break;
        }
    }

    private void AssertSame(Random random, string when)
    {
        Assert.True(_model.Order().SequenceEqual(_set.Runs.SelectMany(PageSeeds.PagesOf)), when);
        Assert.True((ulong)_model.Count == _set.Count && _set.IsEmpty == (_model.Count == 0), when);
        for (int i = 1; i < _set.Runs.Count; i++)
            Assert.True(_set.Runs[i].First > _set.Runs[i - 1].End, $"{when}: runs {i - 1} and {i} touch or overlap");
        PageRange range = PageSeeds.Range(random, Pages);
        Assert.True(_set.Contains(range.First) == _model.Contains(range.First), when);
        Assert.True(_set.Intersects(range) == PageSeeds.PagesOf(range).Any(_model.Contains), when);
        var pieces = new List<(PageRange Piece, bool IsInside)> { (default, true) };
        _set.Split(range, pieces);
        Assert.True(PageSeeds.PagesOf(range).SequenceEqual(pieces.SelectMany(part => PageSeeds.PagesOf(part.Piece))), when);
        foreach ((PageRange piece, bool isInside) in pieces)
            Assert.All(PageSeeds.PagesOf(piece), page => Assert.True(_model.Contains(page) == isInside, when));
    }
}
