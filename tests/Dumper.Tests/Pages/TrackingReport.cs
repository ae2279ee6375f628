using System.Globalization;

namespace Snap.Dumper.Tests.Pages;

/// <summary>What one run of the exactness suite found.</summary>
/// <param name="Epochs">Checkpoints taken.</param>
/// <param name="PagesCompared">Pages compared at their freezes.</param>
/// <param name="PagesWrong">Of these, pages that differed from what a reader would have got.</param>
/// <param name="PagesCopied">Pages that trackers had copied, live passes included.</param>
/// <param name="PagesChanged">Pages whose bytes differed from those at the freeze before.</param>
/// <param name="FirstWrong">All that is known of the first wrong page; empty if there is none.</param>
public sealed record TrackingReport(long Epochs, long PagesCompared, long PagesWrong, long PagesCopied, long PagesChanged, string FirstWrong)
{
    /// <summary>Both together.</summary>
    public static TrackingReport operator +(TrackingReport left, TrackingReport right) => new(
        left.Epochs + right.Epochs, left.PagesCompared + right.PagesCompared, left.PagesWrong + right.PagesWrong,
        left.PagesCopied + right.PagesCopied, left.PagesChanged + right.PagesChanged, left.FirstWrong + right.FirstWrong);

    /// <summary>Nothing found yet.</summary>
    public static TrackingReport None { get; } = new(0, 0, 0, 0, 0, "");

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{PagesWrong} wrong of {PagesCompared} pages compared in {Epochs} epochs; {PagesCopied} copied, {PagesChanged} changed: {(double)PagesCopied / Math.Max(1, PagesChanged):F2} copied for one changed");
}
