using System.Text.Json;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models.InternVL;
using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Models.LlavaNext;
using D2Pruner.AI.Runtime.Models.Qwen25VL;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>The supported families, found by <c>model_type</c>.</summary>
internal static class ModelFamilies
{
    private static readonly Dictionary<string, Func<CheckpointFolder, ModelBlueprint>> Known = new(StringComparer.Ordinal)
    {
        ["llava"] = folder => new LlavaBlueprint(folder),
        ["llava_next"] = folder => new LlavaNextBlueprint(folder),
        ["qwen2_5_vl"] = folder => new Qwen25VLBlueprint(folder),
        ["internvl_chat"] = folder => new InternVLChatBlueprint(folder),
        ["internvl"] = folder => new InternVLBlueprint(folder),
    };

    private static readonly Dictionary<string, string> Architectures = new(StringComparer.Ordinal)
    {
        ["LlavaForConditionalGeneration"] = "llava",
        ["LlavaNextForConditionalGeneration"] = "llava_next",
        ["Qwen2_5_VLForConditionalGeneration"] = "qwen2_5_vl",
        ["InternVLChatModel"] = "internvl_chat",
        ["InternVLForConditionalGeneration"] = "internvl",
    };

    /// <summary>Supported values of <c>model_type</c>.</summary>
    public static IReadOnlyCollection<string> Supported => Known.Keys;

    /// <summary>Reads the blueprint of a folder.</summary>
    /// <exception cref="CheckpointException">The family is not supported, or its configuration is wrong.</exception>
    public static ModelBlueprint Read(CheckpointFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var type = new ConfigReader(folder.Config).Text("model_type", "");
        // Some writers leave the type out; the class that the file names says the same.
        if (type.Length == 0 && folder.Config.TryGetProperty("architectures", out var names) && names.ValueKind == JsonValueKind.Array)
            type = names.EnumerateArray()
                .Select(n => n.ValueKind == JsonValueKind.String ? Architectures.GetValueOrDefault(n.GetString()!) : null).OfType<string>()
                .FirstOrDefault() ?? "";
        return Known.TryGetValue(type, out var create)
            ? create(folder)
            : throw new CheckpointException(
                folder.Path, [$"config.json has the model_type '{type}'; supported are {string.Join(", ", Known.Keys)}."]);
    }
}
