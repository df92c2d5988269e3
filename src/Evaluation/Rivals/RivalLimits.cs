using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>Why a model cannot run a rival.</summary>
internal static class RivalLimits
{
    /// <summary>It reduces what a CLIP tower gives of one view.</summary>
    public static string? OneView(VisionLanguageModel model, Condition condition) => Tower(model, condition)
        ?? (TowerView.TowerOf(model)!.Value.Newline is null ? null
            : "this model cuts images into tiles; the method's form for tiles is tested as a function, but has no row");

    /// <summary>It reduces what a CLIP tower gives, of tiles too.</summary>
    public static string? Tower(VisionLanguageModel model, Condition condition)
    {
        if (TowerView.TowerOf(model) is not { } found)
            return $"it needs a vision tower with a CLS token (CLIP), which {model.Blueprint.Family} has not";
        var config = found.Tower.Config;
        if (!config.DropCls) return "this model reads the CLS token too, which no published code does";
        return condition.Keep < config.Vision.Patches ? null
            : $"keep {condition.Keep} is not below the {config.Vision.Patches} patches of an image";
    }

    /// <summary>It needs tiles.</summary>
    public static string? Tiles(VisionLanguageModel model, Condition condition) => Tower(model, condition)
        ?? (TowerView.TowerOf(model)!.Value.Newline is null
            ? "it spreads the budget over an image's tiles (LLaVA-NeXT); the published code fails on images without" : null);

    /// <summary>It numbers positions anew, or computes with them.</summary>
    public static string? PlainPositions(VisionLanguageModel model) => model.Decoder.Config.MropeSections is null ? null
        : "it numbers positions in one dimension; this model's have three";

    /// <summary>It takes as many key heads as query heads.</summary>
    public static string? NoGroups(VisionLanguageModel model)
    {
        var c = model.Decoder.Config;
        return c.Heads == c.KvHeads ? null
            : $"the published code fails with grouped key heads; this model has {c.KvHeads} for {c.Heads} query heads";
    }
}
