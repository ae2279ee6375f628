using Spectre.Console;

namespace Snap.Cli.Output;

/// <summary>Tables in one style: no frame, so that a pipe through awk works too.</summary>
internal static class Tables
{
    /// <summary>A table with these headings; a heading that ends in &gt; is of numbers, to the right.</summary>
    public static Table New(params string[] headings)
    {
        var table = new Table { Border = TableBorder.None, ShowHeaders = headings.Any(heading => heading.Length > 0) };
        foreach (string heading in headings)
        {
            bool toRight = heading.EndsWith('>');
            var column = new TableColumn(new Text(toRight ? heading[..^1] : heading, new Style(decoration: Decoration.Bold)))
            {
                Alignment = toRight ? Justify.Right : Justify.Left,
                Padding = new Padding(0, 0, 2, 0),
                NoWrap = true,
            };
            table.AddColumn(column);
        }

        table.Columns[^1].NoWrap = false;
        return table;
    }
}
