using Snap.Bench;
using Snap.Bench.Overhead;

return args switch
{
    ["pause", .. string[] rest] => PauseBench.Run(rest),
    ["pauses", .. string[] rest] => PausesBench.Run(rest),
    ["commands", .. string[] rest] => CommandBench.Run(rest),
    ["overhead", .. string[] rest] => OverheadBench.Run(rest),
    ["serve", var socket] => DotnetServer.Serve(socket),
    ["peers", .. string[] rest] => PeersBench.Run(rest),
    ["increments", .. string[] rest] => IncrementsBench.Run(rest),
    ["scale", .. string[] rest] => ScaleBench.Run(rest),
    ["micro"] => StoreMicro.RunAll(),
    ["images", var directory, var scale] => MakeImages(directory, double.Parse(scale, System.Globalization.CultureInfo.InvariantCulture)),
    ["work", var seed, var size] => DotnetWork.Run(int.Parse(seed), int.Parse(size)),
    _ => Usage(),
};

static int MakeImages(string directory, double scale)
{
    new MemoryImages(directory, seed: 4711, scale).Make();
    return 0;
}

static int Usage()
{
    Console.Error.WriteLine("""
        usage: Snap.Bench pause [MIB]      a pause against gcore's, and of increments with 1 % dirty (default 1024 MiB)
               Snap.Bench pauses [MIB…]       increments with 1 % dirty by size, threads and pattern (default 4 256 1024 4096)
               Snap.Bench commands [RUNS]  start-up, warm take and restore of a small process (default 20 runs)
               Snap.Bench overhead [NAME [SECONDS [ROUNDS]]]  programs at work under 1, 10, 50 checkpoints a second (default all, 4, 3)
               Snap.Bench peers [SCALE [ROUNDS]]       the store against restic, borg and zstd on programs' memory (default 1, 3)
               Snap.Bench images DIR SCALE             only the images of programs' memory
               Snap.Bench increments [COUNT [MIB [SCHEME…]]]  a chain of increments, 1 % dirty each (default 1000, 64 MiB)
               Snap.Bench scale [SNAPSHOTS [ENTRIES]]  opening a store of many snapshots; memory and lookups of a large index (default 10000, 4000000)
               Snap.Bench micro                        hash, compare, encode, decode, index, commit
        SNAP_BINARY names the snap binary; docs/benchmarks.md tells what the figures mean.
        """);
    return 2;
}
