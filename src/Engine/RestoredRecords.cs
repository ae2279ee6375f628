using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Snap.Image;

namespace Snap.Engine;

/// <summary>Which processes were restored from which snapshots, so that their next snapshot is an increment of that one.</summary>
/// <remarks>
/// A small file a process beside the store's own, <c>restored/PID.json</c>: not part of the store, never needed to read it. Lost, the next snapshot of the
/// process is full; of a process that has ended, or of another boot, it is taken away when the next engine opens the store.
/// </remarks>
internal sealed class RestoredRecords(string storeDirectory)
{
    private readonly string _directory = Path.Combine(storeDirectory, "restored");

    /// <summary>Remembers a restored process.</summary>
    public void Add(TargetIdentity process, SnapshotId snapshot)
    {
        Directory.CreateDirectory(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string path = PathOf(process.Pid);
        File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(
            new RestoredRecord(process.Pid, process.StartTime, process.BootId, snapshot), RestoredJson.Default.RestoredRecord));
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>The snapshot that a process was restored from.</summary>
    public SnapshotId? Find(TargetIdentity process) =>
        TryRead(PathOf(process.Pid)) is { } record && record.Process == process ? record.Snapshot : null;

    /// <summary>Takes away what is said of processes that are no more.</summary>
    public void RemoveDead()
    {
        if (!Directory.Exists(_directory))
            return;
        foreach (string path in Directory.GetFiles(_directory))
        {
            if (TryRead(path) is not { Process.IsAlive: true })
                File.Delete(path);
        }
    }

    private string PathOf(int pid) => Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"{pid}.json"));

    private static RestoredRecord? TryRead(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), RestoredJson.Default.RestoredRecord) : null;
        }
        catch (Exception unreadable) when (unreadable is JsonException or IOException)
        {
            // Half written when the machine went down, or taken away by another engine just now: then nothing is known.
            return null;
        }
    }
}

/// <summary>One restored process.</summary>
internal sealed record RestoredRecord(int Pid, ulong StartTime, string BootId, SnapshotId Snapshot)
{
    [JsonIgnore]
    public TargetIdentity Process => new(Pid, StartTime, BootId);
}

/// <summary>Serialisation code generated at build time, as NativeAOT needs.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RestoredRecord))]
internal sealed partial class RestoredJson : JsonSerializerContext;
