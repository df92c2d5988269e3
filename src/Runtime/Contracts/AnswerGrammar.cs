namespace D2Pruner.AI.Runtime;

/// <summary>A compiled grammar that an answer must follow; made by <c>Grammar.Create</c>. Immutable; safe for
/// concurrent use; knows no vocabulary.</summary>
public abstract class AnswerGrammar
{
    private protected AnswerGrammar(string key, IReadOnlyList<string> relaxed) => (Key, Relaxed) = (key, relaxed);

    /// <summary>Equal for equal grammars; caches use it.</summary>
    public string Key { get; }

    /// <summary>What the schema says and the grammar does not enforce, each as keyword and place, e.g.
    /// <c>'pattern' at #/properties/name</c>.</summary>
    public IReadOnlyList<string> Relaxed { get; }
}
