using System.Text.Json;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Conformance;

/// <summary>What a case asks for; results in the file are not read.</summary>
internal sealed record ModelCase(string Name, IReadOnlyList<ChatTurn> Turns, int MaxNewTokens, IReadOnlyList<PruningCase> Prunings)
{
    /// <summary>Reads the cases of a model folder.</summary>
    public static IReadOnlyList<ModelCase> Read(string folder)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
        return [.. json.RootElement.GetProperty("cases").EnumerateArray().Select(c => One(folder, c))];
    }

    private static ModelCase One(string folder, JsonElement c) => new(
        c.GetProperty("name").GetString()!,
        [.. c.GetProperty("messages").EnumerateArray()
            .Select(m => new ChatTurn(m.GetProperty("role").GetString()!, Parts(folder, m.GetProperty("content"))))],
        c.TryGetProperty("max_new_tokens", out var max) ? max.GetInt32() : 24,
        c.TryGetProperty("prunings", out var prunings) ? [.. prunings.EnumerateArray().Select(PruningCase.Read)] : []);

    private static IReadOnlyList<ChatPart> Parts(string folder, JsonElement content) => content.ValueKind == JsonValueKind.String
        ? [new TextPart(content.GetString()!)]
        : [.. content.EnumerateArray().Select(p => (ChatPart)(p.GetProperty("type").GetString() == "image"
            ? new ImagePart(File.ReadAllBytes(Path.Combine(folder, p.GetProperty("image").GetString()!)))
            : new TextPart(p.GetProperty("text").GetString()!)))];
}

/// <summary>Settings of one pruning of a case.</summary>
internal sealed record PruningCase(string Name, PruningSettings Settings, bool UsePrior)
{
    internal static PruningCase Read(JsonElement p)
    {
        var budget = p.GetProperty("budget");
        var plain = new PruningSettings();
        double Number(string key, double fallback) => p.TryGetProperty(key, out var v) ? v.GetDouble() : fallback;
        bool Flag(string key) => !p.TryGetProperty(key, out var v) || v.GetBoolean();
        return new PruningCase(
            p.GetProperty("name").GetString()!,
            new PruningSettings
            {
                LayersBeforePruning = p.TryGetProperty("layer", out var k) ? k.GetInt32() : plain.LayersBeforePruning,
                LayersAreExplicit = true,
                Alpha = Number("alpha", plain.Alpha),
                Theta = Number("theta", plain.Theta),
                PivotRatio = Number("pivot_ratio", plain.PivotRatio),
                Rule = p.TryGetProperty("rule", out var rule) ? Enum.Parse<PivotRule>(rule.GetString()!) : plain.Rule,
                EvictEarlyKv = Flag("evict"),
                Budget = budget.TryGetProperty("tokens", out var t) ? TokenBudget.OfTokens(t.GetInt32())
                : TokenBudget.OfRatio(budget.GetProperty("ratio").GetDouble()),
            },
            Flag("prior"));
    }
}
