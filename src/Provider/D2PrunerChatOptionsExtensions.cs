using D2Pruner.AI.Pruning;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>Pruning settings of one request, written as flat scalars into <c>AdditionalProperties</c>: they
/// survive cloning, JSON and caches.</summary>
public static class D2PrunerChatOptionsExtensions
{
    /// <summary>Names the preset of this request, and with it drops the client's overrides.</summary>
    /// <param name="options">The request's options; changed and returned.</param>
    /// <param name="preset">The preset.</param>
    /// <param name="keepRatio">Share of each image's visual tokens to keep, in (0, 1], or null for the preset's.</param>
    public static ChatOptions WithPruning(this ChatOptions options, PruningPreset preset, double? keepRatio = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        Set(options, D2PrunerKeys.Preset, preset.ToString().ToLowerInvariant());
        if (keepRatio is { } ratio) Set(options, D2PrunerKeys.KeepRatio, ratio);
        return options;
    }

    /// <summary>Overrides single settings for this request; null ones are left to the client and the preset.</summary>
    /// <param name="options">The request's options; changed and returned.</param>
    /// <param name="overrides">The settings.</param>
    /// <exception cref="ArgumentException">The settings exclude each other or are out of range.</exception>
    public static ChatOptions WithPruning(this ChatOptions options, VisualPruningOptions overrides)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(overrides);
        VisualPruningRules.ThrowIfInvalid(overrides, "request", null);
        Set(options, D2PrunerKeys.Method, overrides.Method);
        Set(options, D2PrunerKeys.KeepRatio, overrides.KeepRatio);
        Set(options, D2PrunerKeys.KeepTokens, overrides.KeepTokens);
        Set(options, D2PrunerKeys.Layer, overrides.LayersBeforePruning);
        Set(options, D2PrunerKeys.Alpha, overrides.Alpha);
        Set(options, D2PrunerKeys.Theta, overrides.Theta);
        Set(options, D2PrunerKeys.PivotRatio, overrides.PivotRatio);
        Set(options, D2PrunerKeys.Rule, overrides.Rule?.ToString());
        Set(options, D2PrunerKeys.EvictEarlyKv, overrides.EvictEarlyKv);
        Set(options, D2PrunerKeys.Prior, overrides.Prior);
        foreach (var (name, value) in overrides.Parameters ?? new Dictionary<string, string>())
            Set(options, D2PrunerKeys.Prefix + name, value);
        return options;
    }

    /// <summary>Prunes nothing in this request.</summary>
    public static ChatOptions WithoutPruning(this ChatOptions options) => options.WithPruning(PruningPreset.None);

    /// <summary>Keeps this share of one image's visual tokens, whatever the request's budget (a budget
    /// only: there is one prune point).</summary>
    /// <param name="image">The image; changed and returned.</param>
    /// <param name="ratio">In (0, 1]; 1 prunes nothing of it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The ratio is out of range.</exception>
    public static DataContent KeepVisualTokens(this DataContent image, double ratio)
    {
        ArgumentNullException.ThrowIfNull(image);
        TokenBudget.OfRatio(ratio);
        (image.AdditionalProperties ??= [])[D2PrunerKeys.KeepRatio] = ratio;
        return image;
    }

    private static void Set(ChatOptions options, string key, object? value)
    {
        if (value is not null) (options.AdditionalProperties ??= [])[key] = value;
    }
}
