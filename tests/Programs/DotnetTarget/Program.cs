// DotnetTarget DIRECTORY STEPS [STEP_MILLISECONDS]: as python_steps.py, with what .NET lives on: a garbage-collected heap that is kept moving, thread pool,
// timers, tiered JIT, finalizers, exceptions. Steps go to DIRECTORY/steps as "NONCE STEP HASH TIME", the end to DIRECTORY/result as "NONCE HASH".
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

string directory = args[0];
int steps = int.Parse(args[1], CultureInfo.InvariantCulture);
int milliseconds = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 2;
string nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
int ticks = 0;
using var timer = new Timer(_ => Interlocked.Increment(ref ticks), null, 1, 1);
var kept = new Dictionary<int, byte[][]>();
byte[] value = SHA256.HashData("start"u8);
var rounds = new Barrier(3);
byte[][] parts = [[], []];
var workers = new Thread[2];
int current = 0;
bool done = false;
for (int number = 0; number < 2; number++)
{
    int mine = number;
    workers[number] = new Thread(() =>
    {
        while (true)
        {
            rounds.SignalAndWait();
            if (done)
                return;
            parts[mine] = SHA256.HashData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Convert.ToHexString(value)} {mine} {current}")));
            rounds.SignalAndWait();
        }
    })
    { IsBackground = true, Name = string.Create(CultureInfo.InvariantCulture, $"step{mine}") };
    workers[number].Start();
}

for (int step = 1; step <= steps; step++)
{
    current = step;
    rounds.SignalAndWait();
    rounds.SignalAndWait();
    int seed = step;
    byte[] fromPool = await Task.Run(() => Churn(seed, kept));
    value = SHA256.HashData([.. value, .. parts[0], .. parts[1], .. fromPool]);
    Log("steps", string.Create(CultureInfo.InvariantCulture,
        $"{nonce} {step} {Convert.ToHexStringLower(value)} {(DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds:F6}"));
    await Task.Delay(milliseconds);
}

done = true;
rounds.SignalAndWait();
foreach (Thread worker in workers)
    worker.Join();
if (ticks == 0 && steps > 100)
    throw new InvalidOperationException("the timer never fired");
Log("result", $"{nonce} {Convert.ToHexStringLower(value)}");
return 0;

// Garbage of all generations, objects that move, and an exception now and then.
static byte[] Churn(int step, Dictionary<int, byte[][]> kept)
{
    var made = new byte[50][];
    for (int i = 0; i < made.Length; i++)
        made[i] = SHA256.HashData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{step} {i}")));
    kept[step % 64] = made;
    if (step % 10 == 0)
        GC.Collect(step / 10 % 3, GCCollectionMode.Forced, blocking: true, compacting: true);
    try
    {
        if (step % 7 == 0)
            throw new FormatException("now and then");
    }
    catch (FormatException)
    {
        made[1] = SHA256.HashData(made[1]);
    }

    byte[][] old = kept[step * 31 % 64 is var key && kept.ContainsKey(key) ? key : step % 64];
    return SHA256.HashData([.. old.SelectMany(bytes => bytes)]);
}

void Log(string name, string text) => File.AppendAllText(Path.Combine(directory, name), text + "\n");
