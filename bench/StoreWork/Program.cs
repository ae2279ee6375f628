using System.Globalization;
using Snap.Bench;

return args switch
{
    ["store-add", var store, var images, var version, var pages] => StoreWork.Add(store, images, int.Parse(version, CultureInfo.InvariantCulture), pages == "dirty"),
    ["store-read", var store, var version, var into] => StoreWork.Read(store, int.Parse(version, CultureInfo.InvariantCulture), into),
    _ => 2,
};
