using Snap.Image;

namespace Snap.Store;

/// <summary>Neighbouring pages in one state.</summary>
/// <param name="Range">The pages.</param>
/// <param name="State">Their state.</param>
public readonly record struct PageRun(PageRange Range, PageState State);
