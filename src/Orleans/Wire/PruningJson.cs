using System.Text.Json;
using System.Text.Json.Serialization;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>Pruning settings with exactly the parameters that were set: their typed properties would add the defaults.</summary>
internal sealed class PruningJson : JsonConverter<PruningSettings>
{
    public override PruningSettings? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var form = JsonSerializer.Deserialize<Form>(ref reader, options)!;
        var values = PrunerValues.Empty;
        foreach (var (name, number) in form.Numbers ?? []) values = values.With(name, number);
        foreach (var (name, text) in form.Texts ?? []) values = values.With(name, text);
        return new PruningSettings
        {
            Preset = form.Preset,
            Method = form.Method,
            LayersBeforePruning = form.Layers,
            LayersAreExplicit = form.Explicit,
            Budget = form.Tokens is { } tokens ? TokenBudget.OfTokens(tokens)
                : form.Ratio is { } ratio ? TokenBudget.OfRatio(ratio) : default,
            Parameters = values,
            EvictEarlyKv = form.Evict,
            Prior = form.Prior,
        };
    }

    public override void Write(Utf8JsonWriter writer, PruningSettings value, JsonSerializerOptions options) => JsonSerializer.Serialize(
        writer, new Form(
            value.Preset, value.Method, value.LayersBeforePruning, value.LayersAreExplicit, value.Budget.Ratio, value.Budget.Tokens,
            value.Parameters.Where(p => p.Value is double).ToDictionary(p => p.Key, p => (double)p.Value),
            value.Parameters.Where(p => p.Value is string).ToDictionary(p => p.Key, p => (string)p.Value), value.EvictEarlyKv, value.Prior),
        options);

    private sealed record Form(
        PruningPreset Preset, string Method, int Layers, bool Explicit, double? Ratio, int? Tokens, Dictionary<string, double>? Numbers,
        Dictionary<string, string>? Texts, bool Evict, string? Prior);
}
