using System.Diagnostics;
using System.Globalization;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Restorer;
using Snap.Restorer.Tool;

// restore-tool DIR            restores DIR/image.json and DIR/pages, releases it, makes DIR/released, waits for its end
// restore-tool DIR REPEAT     restores, releases and kills it so often; prints the milliseconds of each in order, then the median
string directory = args[0];
SnapshotImage image = ImageCodec.Decode(File.ReadAllBytes(Path.Combine(directory, "image.json")));
var pages = new SavedPages(Path.Combine(directory, "pages"));
var options = new RestoreOptions { Files = FilesPolicy.Keep };
if (args.Length == 1)
{
    using RestoredProcess restored = TreeRestorer.Restore(image, pages, options);
    restored.Release();
    File.WriteAllText(Path.Combine(directory, "released"), "");
    return restored.Child.Wait().ShellCode;
}

var times = new List<double>();
for (int i = 0; i < int.Parse(args[1], CultureInfo.InvariantCulture); i++)
{
    long start = Stopwatch.GetTimestamp();
    using RestoredProcess restored = TreeRestorer.Restore(image, pages, options);
    restored.Release();
    times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    restored.Child.Signal(Signal.SIGKILL);
    restored.Child.Wait();
}

string list = string.Join(' ', times.Select(time => time.ToString("F2", CultureInfo.InvariantCulture)));
File.WriteAllText(Path.Combine(directory, "times"), $"{list}\nmedian {times.Order().ElementAt(times.Count / 2).ToString("F2", CultureInfo.InvariantCulture)}\n");
return 0;
