using System.Text.Json;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Evaluation.Data.Rows;

/// <summary>Rows of JSON files: lines, an array, or an object with arrays.</summary>
internal static class JsonRows
{
    /// <summary>One object a line; a line that is none is a problem, not an end.</summary>
    public static IEnumerable<DataRow> Lines(string path, List<string> problems)
    {
        var number = 0;
        foreach (var line in RegularFile.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            var place = $"{Path.GetFileName(path)} line {number}";
            DataRow? row = null;
            try
            {
                using var json = JsonDocument.Parse(line);
                if (json.RootElement.ValueKind == JsonValueKind.Object) row = new DataRow(place, DataRow.Object(json.RootElement));
                else problems.Add($"{place}: not a JSON object");
            }
            catch (JsonException e)
            {
                problems.Add($"{place}: not JSON ({e.Message.Split('.')[0]})");
            }

            if (row is not null) yield return row;
        }
    }

    /// <summary>The items of an array: the file's root, or a property of its root.</summary>
    /// <exception cref="InvalidDataException">The file is not JSON, or has no such array.</exception>
    public static List<DataRow> Items(string path, string? property = null)
    {
        using var json = Open(path);
        var array = property is null ? json.RootElement
            : json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(property, out var p) ? p : default;
        if (array.ValueKind != JsonValueKind.Array)
            throw new InvalidDataException($"{path} holds no array{(property is null ? "" : $" '{property}'")}.");
        return [.. array.EnumerateArray()
            .Select((e, i) => new DataRow(
                $"{Path.GetFileName(path)} item {i}", e.ValueKind == JsonValueKind.Object ? DataRow.Object(e)
                : new Dictionary<string, object?>()))];
    }

    /// <summary>The properties of a root object, each as a row with its name as <c>id</c>.</summary>
    /// <exception cref="InvalidDataException">The file is not JSON, or its root no object.</exception>
    public static List<DataRow> Properties(string path)
    {
        using var json = Open(path);
        if (json.RootElement.ValueKind != JsonValueKind.Object) throw new InvalidDataException($"{path} holds no object.");
        return [.. json.RootElement.EnumerateObject().Select(p =>
        {
            var fields = p.Value.ValueKind == JsonValueKind.Object ? DataRow.Object(p.Value) : [];
            fields.TryAdd("id", p.Name);
            return new DataRow($"{Path.GetFileName(path)} '{p.Name}'", fields);
        })];
    }

    private static JsonDocument Open(string path)
    {
        try
        {
            return JsonDocument.Parse(RegularFile.ReadAllBytes(path));
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is no JSON: {e.Message}", e);
        }
    }
}
