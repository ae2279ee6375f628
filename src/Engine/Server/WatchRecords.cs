using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Snap.Engine.Api;
using Snap.Image;
using Snap.Kernel.Abi;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Engine.Server;

/// <summary>The detached watches under way, so that the next engine resumes them if this one ends without a word.</summary>
/// <remarks>
/// A small file a watch beside the store's own, <c>watches/NUMBER.json</c>, there from before the watch's first attempt to its end, and replaced as a whole. It needn't
/// be synced: after a power cut there is no process left to be watched. A watch may run a command, so only our own user's files are read.
/// </remarks>
internal sealed class WatchRecords(string storeDirectory)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string _directory = Path.Combine(storeDirectory, Protocol.WatchesName);

    /// <summary>Writes one.</summary>
    /// <exception cref="SnapException">S0508: the disk failed or is full.</exception>
    public void Write(WatchRecord record)
    {
        try
        {
            Directory.CreateDirectory(_directory, OwnerOnly);
            string path = PathOf(record.Number);
            File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(record, WatchRecordJson.Default.WatchRecord));
            File.Move(path + ".new", path, overwrite: true);
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            throw new SnapException(ErrorCatalogue.StoreDisk, "cannot note the watch, for a later engine to resume it", _directory, failed.Message, inner: failed);
        }
    }

    /// <summary>The watch is over.</summary>
    public void Remove(long number)
    {
        try
        {
            File.Delete(PathOf(number));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // With the whole store; or it can't be, and the next engine finds its target gone, or watches it once more.
        }
    }

    /// <summary>No watch is to be resumed.</summary>
    /// <returns>How many there were.</returns>
    public int RemoveAll()
    {
        string[] all = Directory.Exists(_directory) ? Directory.GetFiles(_directory, "*.json") : [];
        Array.ForEach(all, File.Delete);
        return all.Length;
    }

    /// <summary>All there are.</summary>
    /// <param name="tell">Is told of those that can't be read.</param>
    public IReadOnlyList<WatchRecord> ReadAll(Action<string> tell)
    {
        var found = new List<WatchRecord>();
        foreach (string path in Directory.Exists(_directory) ? Directory.GetFiles(_directory, "*.json") : [])
        {
            try
            {
                if (FileDescriptor.TryStat(path, out stat file, follow: false).IsError || file.st_uid != OwnProcess.EffectiveUser)
                {
                    tell($"{path} isn't ours, so its watch isn't resumed");
                    continue;
                }

                WatchRecord record = JsonSerializer.Deserialize(File.ReadAllBytes(path), WatchRecordJson.Default.WatchRecord) ?? throw new JsonException("null");
                if (record.Api == Protocol.Version)
                    found.Add(record);
                else
                    tell($"{path} is of another version of Snap, so its watch isn't resumed");
            }
            catch (Exception unreadable) when (unreadable is JsonException or IOException or UnauthorizedAccessException)
            {
                tell($"{path} can't be read, so its watch isn't resumed: {unreadable.Message}");
            }
        }

        return [.. found.OrderBy(record => record.Number)];
    }

    private string PathOf(long number) => Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"{number}.json"));
}

/// <summary>A detached watch.</summary>
/// <param name="Api">Version of the API that the request is of.</param>
/// <param name="Number">Its number; stays the same.</param>
/// <param name="Request">What was asked for.</param>
/// <param name="StartTime">Of the process, which with its pid and boot is no other.</param>
/// <param name="BootId">The boot.</param>
/// <param name="Since">When it began.</param>
/// <param name="Snapshots">Stored so far; kept up to date only for a watch that ends after so many.</param>
internal sealed record WatchRecord(int Api, long Number, WatchRequest Request, ulong StartTime, string BootId, DateTimeOffset Since, long Snapshots)
{
    [JsonIgnore]
    public TargetIdentity Target => new(Request.Pid, StartTime, BootId);
}

/// <summary>Serialisation code generated at build time, as NativeAOT needs.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(WatchRecord))]
internal sealed partial class WatchRecordJson : JsonSerializerContext;
