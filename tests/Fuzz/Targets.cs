using D2Pruner.AI.Fuzz.Reading;

namespace D2Pruner.AI.Fuzz;

/// <summary>Every target by name.</summary>
internal static class Targets
{
    private static readonly Dictionary<string, Func<FuzzTarget>> Known = new(StringComparer.Ordinal)
    {
        ["schemas"] = () => new SchemaTarget(),
        ["requests"] = () => new RequestTarget(),
        ["messages"] = () => new MessageTarget(),
        ["tool_results"] = () => new ToolResultTarget(),
        ["tool_calls"] = () => new ToolCallTarget(),
        ["data_uris"] = () => new DataUriTarget(),
        ["images"] = () => new ImageTarget(),
        ["safetensors"] = () => new SafetensorsTarget(),
        ["priors"] = () => new PriorTarget(),
        ["config"] = () => new ConfigTarget(),
        ["tokenizer"] = () => new TokenizerTarget(),
        ["generation_config"] = () => new GenerationConfigTarget(),
    };

    public static IReadOnlyCollection<string> Names => Known.Keys;

    public static FuzzTarget Create(string name) =>
        Known.TryGetValue(name, out var create) ? create()
            : throw new ArgumentException($"There is no target '{name}'; there are {string.Join(", ", Known.Keys)}, and all.");
}
