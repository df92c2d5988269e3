using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models.InternVL;
using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Models.LlavaNext;
using D2Pruner.AI.Runtime.Models.Qwen25VL;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>The supported families, found by <c>model_type</c>.</summary>
public static class ModelFamilies
{
    private static readonly Dictionary<string, Func<CheckpointFolder, ModelBlueprint>> Known = new(StringComparer.Ordinal)
    {
        ["llava"] = folder => new LlavaBlueprint(folder),
        ["llava_next"] = folder => new LlavaNextBlueprint(folder),
        ["qwen2_5_vl"] = folder => new Qwen25VLBlueprint(folder),
        ["internvl_chat"] = folder => new InternVLChatBlueprint(folder),
        ["internvl"] = folder => new InternVLBlueprint(folder),
    };

    /// <summary>Supported values of <c>model_type</c>.</summary>
    public static IReadOnlyCollection<string> Supported => Known.Keys;

    /// <summary>Reads the blueprint of a folder.</summary>
    /// <exception cref="CheckpointException">The family is not supported, or its configuration is wrong.</exception>
    public static ModelBlueprint Read(CheckpointFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var type = new ConfigReader(folder.Config).Text("model_type", "");
        return Known.TryGetValue(type, out var create)
            ? create(folder)
            : throw new CheckpointException(folder.Path, [$"config.json has the model_type '{type}'; supported are {string.Join(", ", Known.Keys)}."]);
    }
}
