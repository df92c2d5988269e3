using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Evaluation.Data.Rows;

/// <summary>Rows of VLMEvalKit's TSV: quoted fields may hold tabs and newlines; what pandas reads as missing is missing
/// here, as the official code has it.</summary>
internal static class TsvRows
{
    private const int LongestReference = 64;

    /// <summary>Reads the rows; one with another number of fields than the head is a problem. An image cell that is short is the index of
    /// the row that holds the image.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problems">Gets what cannot be used, and in how many rows pandas' missing words removed options.</param>
    public static List<DataRow> Read(string path, List<string> problems)
    {
        using var reader = new StreamReader(RegularFile.OpenStream(path));
        // A quote means something at a field's beginning only; what follows a closing quote stays.
        using var parser = new CsvParser(
            reader, new CsvConfiguration(CultureInfo.InvariantCulture) { Delimiter = "\t", BadDataFound = null, IgnoreBlankLines = true });
        if (!parser.Read()) throw new InvalidDataException($"{path} is empty.");
        var (head, rows, number, vanished) = (parser.Record!, new List<DataRow>(), 0, 0);
        while (parser.Read())
        {
            number++;
            var cells = parser.Record!;
            var place = $"{Path.GetFileName(path)} row {number}";
            if (cells.Length != head.Length)
            {
                problems.Add($"{place}: {cells.Length} fields; the head has {head.Length}");
                continue;
            }

            var (fields, hit) = (new Dictionary<string, object?>(StringComparer.Ordinal), false);
            for (var i = 0; i < head.Length; i++)
            {
                var isMissing = PandasMissing.Is(cells[i]);
                fields[head[i]] = isMissing ? null : cells[i];
                hit |= isMissing && cells[i].Length > 0 && head[i].Length == 1 && char.IsAsciiLetterUpper(head[i][0]);
            }

            if (hit) vanished++;
            rows.Add(new DataRow(place, fields));
        }

        if (vanished > 0)
            problems.Add($"{Path.GetFileName(path)}: in {vanished} rows, options such as \"None\" are read as missing, as the official " +
                "code does");
        return Resolve(rows, problems);
    }

    private static List<DataRow> Resolve(List<DataRow> rows, List<string> problems)
    {
        var byIndex = new Dictionary<string, DataRow>(StringComparer.Ordinal);
        foreach (var row in rows)
        {
            if (row.TextOrNull("index") is { } index) byIndex.TryAdd(index, row);
        }

        var resolved = new List<DataRow>();
        foreach (var row in rows)
        {
            if (row.TextOrNull("image") is not { Length: > 0 and <= LongestReference } reference)
            {
                resolved.Add(row);
                continue;
            }

            if (byIndex.GetValueOrDefault(reference)?.TextOrNull("image") is { Length: > LongestReference } image)
                resolved.Add(row with { Fields = new Dictionary<string, object?>(
                    row.Fields) { ["image"] = image, ["image_index"] = reference } });
            else problems.Add($"{row.Place}: its image is that of row '{reference}', which holds none");
        }

        return resolved;
    }
}
