namespace Snap.Dumper.Collect;

/// <summary>The open file descriptions of a tree, each once, whichever of its processes have it open.</summary>
internal sealed class TreeDescriptions
{
    private readonly List<(DescriptorTable Table, OpenDescription Description)> _all = [];

    /// <summary>Each description with the first process that has it; <see cref="OpenDescription.Id"/> is the index.</summary>
    public IReadOnlyList<(DescriptorTable Table, OpenDescription Description)> All => _all;

    /// <summary>Finds what the tables have in common, and numbers all descriptions.</summary>
    public void Unify(IReadOnlyList<DescriptorTable> tables)
    {
        _all.Clear();
        if (tables.Count == 1)
        {
            foreach (OpenDescription description in tables[0].Descriptions)
                _all.Add((tables[0], description));
            return;
        }

        // Only what looks alike in everything that fork shares can be one description; among those kcmp decides.
        Dictionary<(ulong, ulong, uint, long, string), AlikeDescriptions>? alike = null;
        foreach (DescriptorTable table in tables)
        {
            bool isFirst = alike is null;
            alike ??= [];
            foreach (OpenDescription description in table.Descriptions)
            {
                description.Original = null;
                description.Aliases.Clear();
                OpenDescriptor one = description.First;
                if (!alike.TryGetValue(one.Likeness, out AlikeDescriptions? group))
                    alike.Add(one.Likeness, group = new AlikeDescriptions());
                OpenDescription? original = group.Find(table.Pid, one.Number, mayBeGone: true, out int place);
                if (original is not null && !isFirst)
                {
                    description.Original = original;
                    description.Id = original.Id;
                    original.Aliases.Add(description);
                    continue;
                }

                description.Id = _all.Count;
                _all.Add((table, description));
                group.Insert(place, table.Pid, description);
            }
        }
    }
}
