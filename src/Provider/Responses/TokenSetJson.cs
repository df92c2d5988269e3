using System.Text.Json;
using System.Text.Json.Serialization;

namespace D2Pruner.AI;

/// <summary>
/// A set of tokens as one short text: Base64 of a bit per token, the lowest bit of the first byte for token 0. An answer's report stays in
/// the conversation, and a list of hundreds of numbers would weigh more than the answer. Arrays of numbers are read too.
/// </summary>
internal sealed class TokenSetJson : JsonConverter<IReadOnlyList<int>>
{
    private const int MostBytes = 1 << 20;

    public override IReadOnlyList<int> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var tokens = new List<int>();
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) tokens.Add(reader.GetInt32());
            return tokens;
        }

        if (reader.TokenType != JsonTokenType.String || !reader.TryGetBytesFromBase64(out var bits))
            throw new JsonException("Expected Base64 of a bit per token, or an array of numbers.");
        for (var i = 0; i < bits.Length * 8; i++)
        {
            if ((bits[i / 8] >> (i % 8) & 1) != 0) tokens.Add(i);
        }

        return tokens;
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<int> value, JsonSerializerOptions options)
    {
        var last = value.Count == 0 ? -1 : value.Max();
        if (last / 8 >= MostBytes || value.Any(v => v < 0))
        {
            // No report of this library looks like that.
            writer.WriteStartArray();
            foreach (var token in value) writer.WriteNumberValue(token);
            writer.WriteEndArray();
            return;
        }

        var bits = new byte[last / 8 + 1];
        foreach (var token in value) bits[token / 8] |= (byte)(1 << (token % 8));
        writer.WriteBase64StringValue(last < 0 ? [] : bits);
    }
}
