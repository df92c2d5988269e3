namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>lmms-eval's letter of a free answer (MMStar since 2026-04, MMBench's static mode): many forms, the
/// strongest and then the last one wins.</summary>
internal static class McqExtractor
{
    private static readonly string[] Phrases =
    [
        "the answer is", "answer is", "the correct answer is", "correct answer is", "the best answer is", "best answer is",
            "the correct option is", "correct option is",
        "the best option is", "best option is", "the choice is", "choice is", "the correct choice is", "correct choice is", "i choose",
        "i select", "i pick", "my answer is", "my choice is",
        "옵션", "정답은", "답은", "답:", "答案是", "答案为", "选", "答えは",
    ];

    /// <summary>The letter, or null if there is none.</summary>
    /// <param name="text">The answer.</param>
    /// <param name="letters">Letters of the options.</param>
    public static string? Extract(string text, IReadOnlyList<string> letters)
    {
        var bare = PythonText.Strip(text);
        if (bare.Length == 0) return null;
        foreach (var mark in ",.!?;:'\"") bare = bare.Trim(mark);
        var padded = $" {bare} ";
        ((int Priority, int Position) Key, string? Letter) best = ((-1, -1), null);
        void Offer(string letter, int priority, int position)
        {
            if (position >= 0 && (priority, position).CompareTo(best.Key) > 0) best = ((priority, position), letter);
        }

        foreach (var (before, after, priority) in new[] { ("(", ")", 6), ("", ".", 5), ("", ":", 4), ("", ")", 3), ("", " ", 2) })
        {
            foreach (var x in letters) Offer(x, priority, padded.LastIndexOf(before + x + after, StringComparison.Ordinal));
        }

        var lower = PythonText.Lower(padded);
        foreach (var phrase in Phrases)
        {
            var at = lower.IndexOf(phrase, StringComparison.Ordinal);
            if (at < 0) continue;
            // Places are those of the lower-cased text, letters are read in the original.
            var start = Math.Min(at + phrase.Length, padded.Length);
            foreach (var x in letters) Offer(x, 7, padded.IndexOf(x, start, StringComparison.Ordinal));
        }

        foreach (var x in letters)
        {
            if (bare.StartsWith(x, StringComparison.Ordinal) && (bare.Length == x.Length || !char.IsLetter(bare[x.Length])))
                Offer(x, 10, 0);
            if (bare.EndsWith(x, StringComparison.Ordinal) && (bare.Length == x.Length || !char.IsLetter(bare[^(x.Length + 1)])))
                Offer(x, 9, padded.Length - 1);
        }

        if (best.Letter is null)
        {
            foreach (var x in letters) Offer(x, 0, padded.LastIndexOf(x, StringComparison.Ordinal));
        }

        return best.Letter;
    }
}
