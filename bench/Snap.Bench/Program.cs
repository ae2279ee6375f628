using Snap.Bench;

return args switch
{
    ["pause", .. string[] rest] => PauseBench.Run(rest),
    ["commands", .. string[] rest] => CommandBench.Run(rest),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        usage: Snap.Bench pause [MIB]      a pause against gcore's, and of increments with 1 % dirty (default 1024 MiB)
               Snap.Bench commands [RUNS]  start-up, warm take and restore of a small process (default 20 runs)
        SNAP_BINARY names the snap binary; docs/benchmarks.md tells what the figures mean.
        """);
    return 2;
}
