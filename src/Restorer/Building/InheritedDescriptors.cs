using Snap.Image;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Restorer.Building;

/// <summary>Our descriptors, lifted above every number that the process needs, so that none stands in the way of another when it is put in its place.</summary>
internal sealed class InheritedDescriptors : IDisposable
{
    private readonly Dictionary<FileDescriptor, FileDescriptor> _lifted = [];
    private readonly List<FileDescriptor> _owned = [];

    public InheritedDescriptors(RestorePlan plan, ProcessImage process)
    {
        FirstFree = Math.Max(3, process.Descriptors.Select(descriptor => descriptor.Number + 1).DefaultIfEmpty(0).Max());
        OwnProcess.RaiseDescriptorLimit();
        Own = [.. process.Descriptors.Select(descriptor => (descriptor.Number, Lift(plan.Descriptions[descriptor.Description])))];
        Temporary = [.. plan.Files.All.Concat(plan.Objects.All).Append(plan.WorkingDirectory(process)).Select(Lift).Distinct()];
    }

    /// <summary>The first number above all of the process's own.</summary>
    public int FirstFree { get; }

    /// <summary>What the process shall have, by number.</summary>
    public IReadOnlyList<(int Number, FileDescriptor Source)> Own { get; }

    /// <summary>What it needs only while it is built.</summary>
    public IReadOnlyList<FileDescriptor> Temporary { get; }

    /// <summary>A number above all that the process has while it is built.</summary>
    public int Scratch => Temporary.Max(file => file.Number) + 1;

    /// <summary>The number under which the process has one of <see cref="Temporary"/>.</summary>
    public ulong NumberOf(FileDescriptor ours) => (ulong)_lifted[ours].Number;

    public void Dispose() => _owned.ForEach(file => file.Dispose());

    private FileDescriptor Lift(FileDescriptor ours)
    {
        if (_lifted.TryGetValue(ours, out FileDescriptor? known))
            return known;
        FileDescriptor lifted = ours;
        if (ours.Number < FirstFree)
        {
            KernelObject.TryDuplicate(ours, FirstFree, out FileDescriptor? made).OrThrow("duplicate a descriptor above", FirstFree);
            _owned.Add(lifted = made!);
        }

        return _lifted[ours] = lifted;
    }
}
