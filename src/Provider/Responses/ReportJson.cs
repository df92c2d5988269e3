using System.Text.Json;
using System.Text.Json.Serialization;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI;

/// <summary>JSON of what rides on answers. Values in property bags are JsonElements: those survive any serializer's
/// options, ahead-of-time ones too.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(PruningReport))]
[JsonSerializable(typeof(GroundedRegionJson[]))]
[JsonSerializable(typeof(double[]))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(D2PrunerChatClientOptions))]
internal sealed partial class ReportJson : JsonSerializerContext
{
    public static JsonElement ToElement(PruningReport report) => JsonSerializer.SerializeToElement(report, Default.PruningReport);

    public static JsonElement ToElement(IEnumerable<GroundedRegion> regions) =>
        JsonSerializer.SerializeToElement(
            [.. regions.Select(r => D2Pruner.AI.GroundedRegionJson.From(r))], Default.GroundedRegionJsonArray);

    public static PruningReport? ReadReport(object? value) => value is PruningReport report ? report : Read(value, Default.PruningReport);

    public static IReadOnlyList<GroundedRegion>? ReadGroundings(object? value) => value switch
    {
        IReadOnlyList<GroundedRegion> regions => regions,
        _ => Read(value, Default.GroundedRegionJsonArray)?.Select(r => r.ToRegion()).OfType<GroundedRegion>().ToList(),
    };

    // Another program may have written the bag: what cannot be read is absent, not an error.
    private static T? Read<T>(object? value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return value switch
            {
                JsonElement { ValueKind: JsonValueKind.String } text => JsonSerializer.Deserialize(text.GetString()!, type),
                JsonElement element => element.Deserialize(type),
                System.Text.Json.Nodes.JsonNode node => JsonSerializer.Deserialize(node.ToJsonString(), type),
                string text => JsonSerializer.Deserialize(text, type),
                _ => null,
            };
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            return null;
        }
    }
}
