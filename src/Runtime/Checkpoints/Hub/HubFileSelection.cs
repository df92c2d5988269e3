using System.Text.Json;

namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>Which files of a repository the loader reads: the same rules as <see cref="CheckpointFolder"/> and the tokenizer's
/// loader, over a list of names.</summary>
internal static class HubFileSelection
{
    private const string Single = "model.safetensors";
    private const string Index = "model.safetensors.index.json";

    private static readonly string[] Always =
    [
        "config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json", "tokenizer_config.json",
            "special_tokens_map.json",
        "added_tokens.json", "chat_template.jinja", "chat_template.json", "quantize_config.json", "quant_config.json",
    ];

    /// <summary>Where models say how images are prepared: the older form, and the newer one, which older models use for other
    /// things.</summary>
    public static IReadOnlyList<string> ImageSettings { get; } = ["preprocessor_config.json", "processor_config.json"];

    /// <summary>The tokenizer's files, of those that are there; null where they make none.</summary>
    public static string[]? Tokenizer(Func<string, bool> has) => has("tokenizer.json") ? ["tokenizer.json"]
        : has("vocab.json") && has("merges.txt") ? ["vocab.json", "merges.txt"]
        : has("tokenizer.model") ? ["tokenizer.model"] : null;

    /// <summary>The files besides weights, with the weights' index if there is one.</summary>
    /// <exception cref="HubException">The repository holds no model that can be loaded.</exception>
    public static IReadOnlyList<HubFile> Small(HubId id, IReadOnlyList<HubFile> files)
    {
        bool Has(string name) => files.Any(f => f.Name == name);
        if (!Has("config.json")) throw Unsupported(id, "it has no config.json");
        var tokenizer = Tokenizer(Has)
            ?? throw Unsupported(id, "it has no tokenizer (tokenizer.json, vocab.json with merges.txt, or tokenizer.model)");
        if (!Has(Single) && !Has(Index) && Weights(files).Count != 1)
        {
            throw Unsupported(id, files.Any(
                f => f.Name.EndsWith(".bin", StringComparison.Ordinal) || f.Name.EndsWith(".pth", StringComparison.Ordinal))
                ? "it holds weights only as .bin or .pth files, which are not read"
                : files.Any(f => f.Name.EndsWith(".gguf", StringComparison.Ordinal)) ? "it holds weights only as GGUF, which is not read"
                : "it has neither model.safetensors nor model.safetensors.index.json");
        }

        string[] index = Has(Index) && !Has(Single) ? [Index] : [];
        return [.. files.Where(
            f => Always.Contains(f.Name) || PriorFile.IsName(f.Name) || tokenizer.Contains(f.Name) || index.Contains(f.Name))];
    }

    /// <summary>The weight files, once the small files are there.</summary>
    /// <exception cref="HubException">The index is damaged or names files that are not there.</exception>
    public static IReadOnlyList<HubFile> Weights(HubId id, IReadOnlyList<HubFile> files, string folder)
    {
        if (files.FirstOrDefault(f => f.Name == Single) is { } single) return [single];
        var path = Path.Combine(folder, Index);
        if (!File.Exists(path)) return Weights(files);
        string[] shards;
        try
        {
            using var json = JsonDocument.Parse(RegularFile.ReadAllBytes(path));
            shards = [.. json.RootElement.GetProperty("weight_map").EnumerateObject().Select(p => p.Value.GetString() ?? "").Distinct()
                .Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new HubException(HubErrorKind.Unsupported, $"{id}: {Index} cannot be read: {e.Message}", e);
        }

        return [.. shards.Select(
            s => files.FirstOrDefault(f => f.Name == s)
            ?? throw Unsupported(id, $"{Index} names '{s}', which the repository does not hold"))];
    }

    private static List<HubFile> Weights(IReadOnlyList<HubFile> files) =>
        [.. files.Where(f => f.Name.EndsWith(".safetensors", StringComparison.Ordinal) && !PriorFile.IsName(f.Name))];

    private static HubException Unsupported(HubId id, string why) =>
        new(HubErrorKind.Unsupported, $"{id} cannot be loaded: {why}. Nothing was fetched. 'd2pruner models' lists models that can.");
}
