using Snap.Image;

namespace Snap.Dumper.Pages;

/// <summary>
/// Pages that a program writes again and again: what a live pass copies of them is out of date by the freeze, is copied once more there, and was encoded and stored
/// for nothing. Live passes leave them to the freeze.
/// </summary>
/// <remarks>Only a guess at what pays: whatever is left is copied in the freeze, written again or not.</remarks>
internal sealed class BusyPages
{
    /// <summary>More than these (16 MiB) are not left, however busy: should they rest for once, they'd make for a long pause.</summary>
    private const ulong MostPages = 4096;

    /// <summary>Intervals without leaving any, after one in which more than half of those left had not been written again.</summary>
    private const int Retreat = 16;

    private readonly PageSet _busy = new();
    private readonly PageSet _left = new();
    private readonly PageSet _rested = new();
    private readonly List<(PageRange Piece, bool IsInside)> _pieces = [];
    private int _retreat;

    /// <summary>Starts an interval.</summary>
    public void Begin()
    {
        _left.Clear();
        _rested.Clear();
    }

    /// <summary>Splits a run that a live scan reported into what is to be copied now and what is left to the freeze, and notes the latter.</summary>
    public void Leave(PageRange run, List<(PageRange Piece, bool IsLeft)> pieces)
    {
        _busy.Split(run, pieces);
        foreach ((PageRange piece, bool isLeft) in pieces)
        {
            if (isLeft)
                _left.Add(piece);
        }
    }

    /// <summary>In the freeze: what was left and not written again since, so that the scan didn't report it.</summary>
    public PageSet Rested(PageSet written)
    {
        _rested.Clear();
        foreach (PageRange left in _left.Runs)
        {
            written.Split(left, _pieces);
            foreach ((PageRange piece, bool isWritten) in _pieces)
            {
                if (!isWritten)
                    _rested.Add(piece);
            }
        }

        return _rested;
    }

    /// <summary>After the thaw of an interval that is complete: learns what is busy.</summary>
    /// <param name="live">What live passes copied in it.</param>
    /// <param name="copied">What the freeze copied.</param>
    public void Learn(PageSet live, PageSet copied)
    {
        if (_rested.Count > _left.Count / 2)
            _retreat = Retreat;
        _busy.Clear();
        if (_retreat > 0)
        {
            _retreat--;
            return;
        }

        AddBusy(live, copied);
        AddBusy(_left, copied);
        foreach (PageRange run in _rested.Runs)
            _busy.Remove(run);
        if (_busy.Count > MostPages)
            _busy.Clear();
    }

    /// <summary>Nothing is left any more until it is learnt anew.</summary>
    public void Forget() => _busy.Clear();

    private void AddBusy(PageSet given, PageSet copied)
    {
        foreach (PageRange run in given.Runs)
        {
            copied.Split(run, _pieces);
            foreach ((PageRange piece, bool isCopied) in _pieces)
            {
                if (isCopied)
                    _busy.Add(piece);
            }
        }
    }
}
