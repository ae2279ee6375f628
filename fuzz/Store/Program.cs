// store-fuzz: broken inputs for every parser of stored bytes, between guard pages.
//   store-fuzz run CORPUS [SECONDS [SEED]]   all parsers in turn, until the time is over (default 60 s)
//   store-fuzz corpus DIRECTORY              writes the corpus anew from a small store
// Exit status: 0 nothing found, 1 found (the input is printed), 2 usage. Reading past an input ends it by SIGSEGV.
using System.Diagnostics;
using System.Globalization;
using Snap.Fuzz.Store;

switch (args)
{
    case ["corpus", var directory]:
        StoreCorpus.Write(directory);
        return 0;
    case ["run", var directory, .. var more]:
        var limit = TimeSpan.FromSeconds(more.Length > 0 ? int.Parse(more[0], CultureInfo.InvariantCulture) : 60);
        int seed = more.Length > 1 ? int.Parse(more[1], CultureInfo.InvariantCulture) : Environment.TickCount;
        Console.WriteLine($"seed {seed}");
        var fuzzer = new StoreFuzzer(StoreCorpus.Read(directory), seed);
        var clock = Stopwatch.StartNew();
        var tried = StoreParsers.All.Keys.ToDictionary(name => name, _ => (Count: 0L, Accepted: 0L));
        while (clock.Elapsed < limit)
        {
            foreach (string name in StoreParsers.All.Keys)
                tried[name] = (tried[name].Count + 2000, tried[name].Accepted + fuzzer.Run(name, 2000));
        }
        foreach ((string name, (long count, long accepted)) in tried)
            Console.WriteLine($"{name,-14} {count,12} inputs, {accepted} accepted");
        return 0;
    default:
        Console.Error.WriteLine("usage: store-fuzz run CORPUS [SECONDS [SEED]] | corpus DIRECTORY");
        return 2;
}
