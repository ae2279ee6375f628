using System.Globalization;
using Snap.Bench;

return args switch
{
    ["store-add", var store, var images, var version, var pages] => StoreWork.Add(store, images, int.Parse(version, CultureInfo.InvariantCulture), pages == "dirty"),
    ["store-read", var store, var version, var into] => StoreWork.Read(store, int.Parse(version, CultureInfo.InvariantCulture), into),
    ["store-increments", var store, var count, var mebibytes] => IncrementsBench.MakeOnly(store, int.Parse(count, CultureInfo.InvariantCulture), int.Parse(mebibytes, CultureInfo.InvariantCulture)),
    ["increments-read", var store, var sequence, var rounds] => IncrementsBench.ReadOnly(store, ulong.Parse(sequence, CultureInfo.InvariantCulture), int.Parse(rounds, CultureInfo.InvariantCulture)),
    ["increments-cost", var store, var sequence] => ReadingCost.Run(store, ulong.Parse(sequence, CultureInfo.InvariantCulture)),
    ["replay", var from, var into, var count, var worn] => Replay.Run(from, into, int.Parse(count, CultureInfo.InvariantCulture), int.Parse(worn, CultureInfo.InvariantCulture)),
    ["increments", .. var rest] => IncrementsBench.Run(rest),
    ["scale", .. var rest] => ScaleBench.Run(rest),
    _ => 2,
};
