using System.Text.Json;
using Snap.Kernel.Abi;
using Snap.Kernel.Processes;
using Snap.Testing;

namespace Snap.Cli.Tests.EndToEnd;

/// <summary>The sqlite3 shell, between and inside transactions: its locks, its page cache and its journal have to come back with it.</summary>
public sealed class SqliteTests
{
    [SkippableTheory]
    [InlineData("delete")]
    [InlineData("wal")]
    public void A_session_between_transactions_goes_on(string journal)
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Session session = Session.StartOrSkip(store, journal);
        session.Ask("insert into t values (1), (2); select count(*) from t;", "2");
        JsonElement snapshot = store.Take(session.Pid);
        session.Kill();
        session.Restore(store, snapshot);
        session.Ask("insert into t values (3); select sum(n) from t;", "6");
        session.End();
        Assert.Equal("6", session.FromOutside("select sum(n) from t"));
    }

    /// <summary>Killed inside a transaction, restored, committed: what the database holds is what an undisturbed session would have left.</summary>
    [SkippableTheory]
    [InlineData("delete")]
    [InlineData("wal")]
    public void A_session_inside_a_transaction_goes_on_and_commits(string journal)
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Session session = Session.StartOrSkip(store, journal);
        session.Ask("insert into t values (1); select count(*) from t;", "1");
        session.Ask("begin immediate; insert into t values (10), (20); select sum(n) from t;", "31");
        JsonElement snapshot = store.Take(session.Pid);
        Assert.Contains("locked", session.FromOutside("insert into t values (1000)"), StringComparison.Ordinal);
        session.Kill();
        session.Restore(store, snapshot);
        session.Ask("select sum(n) from t;", "31");
        Assert.Contains("locked", session.FromOutside("insert into t values (1000)"), StringComparison.Ordinal);
        session.Ask("insert into t values (5); commit; select sum(n) from t;", "36");
        session.End();
        Assert.Equal("36", session.FromOutside("select sum(n) from t"));
        Assert.Equal("ok", session.FromOutside("pragma integrity_check"));
    }

    [SkippableFact]
    public void A_session_inside_a_transaction_goes_on_and_rolls_back()
    {
        using SnapStore store = SnapStore.OpenOrSkip();
        using Session session = Session.StartOrSkip(store, "delete");
        session.Ask("insert into t values (1); select count(*) from t;", "1");
        session.Ask("begin; insert into t select value from generate_series(1, 20000); select count(*) from t;", "20001");
        JsonElement snapshot = store.Take(session.Pid);
        session.Kill();
        session.Restore(store, snapshot);
        session.Ask("rollback; select count(*) from t;", "1");
        session.End();
        Assert.Equal("1", session.FromOutside("select count(*) from t"));
    }

    /// <summary>A sqlite3 shell on pipes; after a restore its streams are the restoring command's.</summary>
    private sealed class Session : IDisposable
    {
        private readonly TemporaryDirectory _directory = new();
        private PipedProgram _program;

        private Session(string journal)
        {
            _program = PipedProgram.Start("sqlite3", ["-batch", _directory["data.db"]]);
            Pid = _program.Child.Pid;
            Ask($"pragma journal_mode={journal};", journal);
            Ask("create table t (n integer); select 'made';", "made");
        }

        public int Pid { get; }

        public static Session StartOrSkip(SnapStore store, string journal)
        {
            Skip.If(Command.Run("sh", ["-c", "command -v sqlite3"]).ExitCode != 0, "sqlite3 is not installed");
            Assert.NotNull(store);
            return new Session(journal);
        }

        public void Ask(string statements, string lastLine)
        {
            _program.Write(statements + "\n");
            string answer = _program.ReadLine();
            Assert.Equal(lastLine, answer);
        }

        public void Kill()
        {
            _program.Child.Signal(Signal.SIGKILL);
            _program.Child.Wait();
        }

        public void Restore(SnapStore store, JsonElement snapshot)
        {
            _program.Dispose();
            _program = PipedProgram.Start(SnapStore.Binary!, ["restore", snapshot.GetProperty("id").GetString()!, "--wait", "--files", "keep", "--store", store.Path]);
            Assert.Equal(SnapStore.Text(Pid), _program.ReadLine());
        }

        public string FromOutside(string statement)
        {
            CommandResult result = Command.Run("sqlite3", ["-batch", _directory["data.db"], statement]);
            return (result.Output + result.Error).Trim();
        }

        public void End()
        {
            _program.CloseInput();
            WaitStatus ended = _program.WaitForEnd();
            Assert.Equal(0, ended.ShellCode);
        }

        public void Dispose()
        {
            // Whoever is the parent now: the process is one that we started or had restored.
            using (ProcessHandle? handle = ProcessHandle.OpenOrGone(Pid))
            {
                if (handle is not null && File.ReadAllText($"/proc/{Pid}/comm").StartsWith("sqlite3", StringComparison.Ordinal))
                    handle.TrySignal(Signal.SIGKILL);
            }

            _program.Dispose();
            _directory.Dispose();
        }
    }
}
