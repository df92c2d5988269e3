namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>Options of a multiple-choice question by letter, in order.</summary>
internal static class OptionLetters
{
    /// <summary>A, B, C... for a list of texts; an empty one is no option, the others keep their letters.</summary>
    public static List<KeyValuePair<string, string>> Of(IEnumerable<string> texts) =>
        [.. texts.Select((t, i) => KeyValuePair.Create($"{(char)('A' + i)}", t)).Where(o => o.Value.Length > 0)];
}
