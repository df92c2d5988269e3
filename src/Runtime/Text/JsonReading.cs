using System.Text.Json;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>Lenient looks into JSON: absent and null are the same.</summary>
internal static class JsonReading
{
    public static JsonElement? Find(this JsonElement json, string key) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(key, out var v) && v.ValueKind != JsonValueKind.Null ? v : null;

    public static string? Text(this JsonElement json, string key) => json.Find(key) is { ValueKind: JsonValueKind.String } v
        ? v.GetString() : null;

    public static bool? Flag(this JsonElement json, string key) =>
        json.Find(key) is { ValueKind: JsonValueKind.True or JsonValueKind.False } v ? v.GetBoolean() : null;

    /// <summary>Parses a file that must hold a JSON object.</summary>
    /// <exception cref="TokenizerException">It does not.</exception>
    public static JsonDocument ParseFile(string path)
    {
        try
        {
            var json = StrictJson.Parse(RegularFile.ReadAllBytes(path));
            if (json.RootElement.ValueKind == JsonValueKind.Object) return json;
            var kind = json.RootElement.ValueKind;
            json.Dispose();
            throw new TokenizerException($"'{path}' holds a JSON {kind}; expected an object.");
        }
        catch (JsonException e)
        {
            throw new TokenizerException($"'{path}' is not valid JSON: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TokenizerException($"'{path}' cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Runs a reader and names the file where its JSON has another form than expected.</summary>
    /// <exception cref="TokenizerException">It has.</exception>
    public static T Guard<T>(string what, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (
            e is InvalidOperationException and not TokenizerException or KeyNotFoundException or FormatException or ArgumentException
            or IndexOutOfRangeException or OverflowException)
        {
            throw new TokenizerException($"{what} cannot be read: {e.Message}", e);
        }
    }
}
