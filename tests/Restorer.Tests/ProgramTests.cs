using Snap.Testing;

namespace Snap.Restorer.Tests;

/// <summary>The C programs of tests/Programs: each holds one kernel feature live and checks itself from inside, after three generations of dump, kill, restore.</summary>
public sealed class ProgramTests
{
    [SkippableTheory]
    [InlineData("counter")]
    [InlineData("altstack")]
    [InlineData("avx_state")]
    [InlineData("avx_threads")]
    [InlineData("brk_stack")]
    [InlineData("pthreads")]
    [InlineData("rseq")]
    [InlineData("signals")]
    [InlineData("sleeper")]
    [InlineData("thread_churn")]
    [InlineData("shared_memory")]
    [InlineData("file_mappings", "{dir}")]
    [InlineData("descriptors", "{dir}")]
    [InlineData("locks", "{dir}")]
    [InlineData("timers")]
    [InlineData("mapping_advice")]
    [InlineData("process_attributes", "{dir}")]
    [InlineData("blocking_calls")]
    [InlineData("memory_fuzz", "{dir}")]
    [InlineData("busy_writer", "16")]
    [InlineData("copy_on_write")]
    [InlineData("tree")]
    [InlineData("zombies")]
    public void A_program_finds_itself_unchanged_after_three_lives(string name, params string[] arguments)
    {
        using Target target = Lives.Start(name, arguments);
        Assert.Empty(target.Check());
        for (int life = 0; life < 3; life++)
        {
            Lives.Renew(target, new RestoreOptions { Files = FilesPolicy.Keep });
            IReadOnlyList<string> wrong = target.Check();
            Assert.True(wrong.Count == 0, $"life {life}:\n{string.Join('\n', wrong)}");
            Assert.Empty(Fingerprint.FindHarm(target.Pid));
        }

        target.Send("exit");
        Assert.Equal(0, target.WaitForEnd()!.Value.ExitCode);
    }

    [SkippableFact]
    public void Pages_that_parent_and_child_shared_are_shared_again()
    {
        using Target target = Lives.Start("copy_on_write");
        long[] before = SharedKilobytes(target);
        Lives.Renew(target);
        long[] after = SharedKilobytes(target);
        Assert.Equal(3, after.Length);
        for (int i = 0; i < after.Length; i++)
            Assert.True(before[i] > 8 << 10 && after[i] > before[i] / 10 * 9, $"process {i} shared {before[i]} KiB, and {after[i]} now");
        Assert.Empty(target.Check());
    }

    // In anonymous memory: of the parent, its child, and that one's.
    private static long[] SharedKilobytes(Target target)
    {
        int child = Kernel.Procfs.ProcessTable.ReadChildren(target.Pid)!.Single();
        int[] pids = [target.Pid, child, Kernel.Procfs.ProcessTable.ReadChildren(child)!.Single()];
        return [.. pids.Select(pid => Sum(pid))];

        static long Sum(int pid)
        {
            string[] lines = File.ReadAllLines($"/proc/{pid}/smaps_rollup");
            return Value("Shared_Dirty:");

            long Value(string name) => long.Parse(lines.Single(line => line.StartsWith(name, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
                System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    [SkippableFact]
    public void A_sleeping_process_looks_from_outside_as_it_did()
    {
        using Target target = Lives.Start("sleeper");
        Fingerprint before = Fingerprint.OfIdle(target);
        Lives.Renew(target);
        Assert.Empty(Fingerprint.Differences(before, Fingerprint.OfIdle(target)));
    }
}
