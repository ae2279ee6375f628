using Snap.Image;
using Snap.Kernel.Files;
using Snap.Kernel.Processes;

namespace Snap.Restorer.Building;

/// <summary>Our descriptors, lifted above every number that a process of the tree needs, so that none stands in the way of another when it is put in its place.</summary>
internal sealed class InheritedDescriptors : IDisposable
{
    private readonly RestorePlan _plan;
    private readonly Dictionary<FileDescriptor, FileDescriptor> _lifted = [];
    private readonly List<FileDescriptor> _owned = [];

    public InheritedDescriptors(RestorePlan plan)
    {
        IReadOnlyList<ProcessImage> processes = plan.Image.Processes;
        _plan = plan;
        FirstFree = Math.Max(3, processes.SelectMany(process => process.Descriptors).Select(descriptor => descriptor.Number + 1).DefaultIfEmpty(0).Max());
        OwnProcess.RaiseDescriptorLimit();
        // A child gets what it has of its own from its parent's stub, which therefore keeps it at a number above all.
        IEnumerable<FileDescriptor> children = processes.Skip(1).SelectMany(process => process.Descriptors).Select(descriptor => plan.Descriptions[descriptor.Description]);
        Temporary = [.. plan.Files.All.Concat(plan.Objects.All).Concat(processes.Select(plan.WorkingDirectory)).Concat(children).Select(Lift).Distinct()];
    }

    /// <summary>The first number above all that any process has of its own.</summary>
    public int FirstFree { get; }

    /// <summary>What a process shall have, by number.</summary>
    public IReadOnlyList<(int Number, FileDescriptor Source)> Own(ProcessImage process) =>
        [.. process.Descriptors.Select(descriptor => (descriptor.Number, Lift(_plan.Descriptions[descriptor.Description])))];

    /// <summary>What all stubs have while the tree is built.</summary>
    public IReadOnlyList<FileDescriptor> Temporary { get; }

    /// <summary>A number above all that the process has while it is built.</summary>
    public int Scratch => Temporary.Max(file => file.Number) + 1;

    /// <summary>The number under which the process has one of <see cref="Temporary"/>.</summary>
    public ulong NumberOf(FileDescriptor ours) => (ulong)_lifted[ours].Number;

    public void Dispose()
    {
        _owned.ForEach(file => file.Dispose());
        _owned.Clear();
    }

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
