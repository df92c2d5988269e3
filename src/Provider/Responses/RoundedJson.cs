using System.Text.Json;
using System.Text.Json.Serialization;

namespace D2Pruner.AI;

/// <summary>Numbers for people: at most three decimals.</summary>
internal sealed class RoundedJson : JsonConverter<double>
{
    public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String
            && double.TryParse(reader.GetString(), System.Globalization.CultureInfo.InvariantCulture, out var named) ? named
            : reader.GetDouble();

    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
    {
        if (double.IsFinite(value)) writer.WriteNumberValue(Math.Round(value, 3));
        else writer.WriteStringValue(value.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }
}
