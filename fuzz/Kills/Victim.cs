using Snap.Testing;

namespace Snap.Fuzz.Kills;

/// <summary>A program at work that is checkpointed, and that can say whether it was harmed.</summary>
internal abstract class Victim : IDisposable
{
    /// <summary>Name of its snapshots.</summary>
    public required string Name { get; init; }

    /// <summary>The process.</summary>
    public abstract TargetProcess Process { get; }

    /// <summary>Looks whether it is whole, from outside and, as far as it can tell, from inside.</summary>
    /// <exception cref="HarmException">It isn't.</exception>
    public void Check()
    {
        Patience.Until(() => HasEnded() || Fingerprint.FindHarm(Process.Pid).Count == 0, () => $"{Name} to be let go: {string.Join("; ", Fingerprint.FindHarm(Process.Pid))}");
        CheckInside();
    }

    /// <inheritdoc/>
    public void Dispose() => Process.Dispose();

    /// <summary>True if it has come to its end, and has to be started anew.</summary>
    protected abstract bool HasEnded();

    /// <summary>What it says itself.</summary>
    protected abstract void CheckInside();
}

/// <summary>A C program whose threads watch over what they hold.</summary>
internal sealed class CheckedVictim : Victim
{
    private readonly Target _target;

    public CheckedVictim(string program) => _target = Target.Start(program);

    public override TargetProcess Process => _target;

    protected override bool HasEnded() => false;

    protected override void CheckInside()
    {
        if (!_target.IsAlive)
            throw new HarmException($"{Name} has ended: {_target.WaitForEnd()}");
        if (_target.Check() is { Count: > 0 } wrong)
            throw new HarmException($"{Name}: {string.Join("; ", wrong)}");
    }
}

/// <summary>A computation in python3, node or .NET: it must come to the result of an undisturbed run.</summary>
internal sealed class ComputingVictim : Victim
{
    private const int Steps = 1500;
    private readonly string _kind;
    private readonly string _expected;
    private StepTarget _target;

    public ComputingVictim(string kind)
    {
        _kind = kind;
        using (var undisturbed = StepTarget.Start(kind, Steps, 0))
        {
            undisturbed.WaitForEnd();
            _expected = undisturbed.ReadResults()[^1].Split(' ')[1];
        }

        _target = StepTarget.Start(kind, Steps);
    }

    public override TargetProcess Process => _target;

    protected override bool HasEnded() => !_target.IsAlive;

    protected override void CheckInside()
    {
        if (!HasEnded())
            return;
        string result = _target.ReadResults() is [.., string last] ? last.Split(' ')[1] : $"none: {_target.WaitForEnd()}";
        if (result != _expected)
            throw new HarmException($"{Name}: result {result}, undisturbed {_expected}");
        _target.Dispose();
        _target = StepTarget.Start(_kind, Steps);
    }
}
