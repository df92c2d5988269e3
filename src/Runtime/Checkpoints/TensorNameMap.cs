namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>Old-style spellings of canonical (new-style) tensor names: the first rule whose prefix fits gives the other name.</summary>
/// <param name="rules">Pairs (new prefix, old prefix), longest first where one prefix starts another.</param>
internal sealed class TensorNameMap(params (string New, string Old)[] rules)
{
    /// <summary>No other spellings.</summary>
    public static TensorNameMap Identity { get; } = new();

    /// <summary>Old and new names of transformers' vision-language models of the LLaVA form: the parts moved below <c>model.</c>.</summary>
    /// <param name="more">What a family has besides.</param>
    public static TensorNameMap VisionLanguage(params (string New, string Old)[] more) => new(
    [
        ("model.language_model.", "language_model.model."),
        ("lm_head.", "language_model.lm_head."),
        ("model.vision_tower.", "vision_tower."),
        ("model.multi_modal_projector.", "multi_modal_projector."),
        .. more,
    ]);

    /// <summary>The old-style name, or the name itself when no rule fits.</summary>
    public string ToOld(string canonical)
    {
        foreach (var (@new, old) in rules)
        {
            if (canonical.StartsWith(@new, StringComparison.Ordinal)) return old + canonical[@new.Length..];
        }

        return canonical;
    }

    /// <summary>The name under which a file holds a tensor: the canonical one or the old one, or null.</summary>
    public string? Resolve(string canonical, Func<string, bool> contains)
    {
        if (contains(canonical)) return canonical;
        var old = ToOld(canonical);
        return contains(old) ? old : null;
    }
}
