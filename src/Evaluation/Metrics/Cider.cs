namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>CIDEr-D over tokenised captions (a plain number: 1.16 is printed as 116 by some). Document frequencies come from the references given, so a subset's score compares with nothing.</summary>
internal static class Cider
{
    private const int Longest = 4;
    private const double Sigma = 6;

    /// <summary>The score of every image, and their mean.</summary>
    public static (double Score, double[] Scores) Score(IReadOnlyList<(string Candidate, IReadOnlyList<string> References)> images)
    {
        var references = images.Select(i => i.References.Select(Count).ToArray()).ToArray();
        var frequency = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var gram in references.SelectMany(r => r.SelectMany(c => c.SelectMany(n => n.Keys)).Distinct(StringComparer.Ordinal))) frequency[gram] = frequency.GetValueOrDefault(gram) + 1;
        var all = Math.Log(images.Count);
        var scores = images.Select((image, i) => Similarity(Weigh(Count(image.Candidate)), [.. references[i].Select(Weigh)])).ToArray();
        return (scores.Length == 0 ? 0 : scores.Average(), scores);

        Vector Weigh(Dictionary<string, int>[] counts)
        {
            var weights = counts.Select(n => n.ToDictionary(g => g.Key, g => g.Value * (all - Math.Log(Math.Max(1, frequency.GetValueOrDefault(g.Key)))), StringComparer.Ordinal)).ToArray();
            return new Vector(weights, [.. weights.Select(w => Math.Sqrt(w.Values.Sum(v => v * v)))], counts[1].Values.Sum());
        }
    }

    private static double Similarity(Vector candidate, Vector[] references)
    {
        var sum = 0.0;
        foreach (var reference in references)
        {
            var difference = candidate.Bigrams - reference.Bigrams;
            var penalty = Math.Exp(-(double)difference * difference / (2 * Sigma * Sigma));
            for (var n = 0; n < Longest; n++)
            {
                var product = candidate.Weights[n].Sum(g => reference.Weights[n].TryGetValue(g.Key, out var w) ? Math.Min(g.Value, w) * w : 0);
                var norms = candidate.Norms[n] * reference.Norms[n];
                sum += (norms == 0 ? product : product / norms) * penalty;
            }
        }

        return references.Length == 0 ? 0 : 10 * sum / Longest / references.Length;
    }

    // Per n: n-grams with how often they stand in a caption; the words of a gram joined by a blank name it.
    private static Dictionary<string, int>[] Count(string caption)
    {
        var words = PythonText.Split(caption);
        return [.. Enumerable.Range(1, Longest).Select(n => Enumerable.Range(0, Math.Max(0, words.Count - n + 1)).GroupBy(i => string.Join(' ', words.GetRange(i, n)), StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal))];
    }

    private sealed record Vector(Dictionary<string, double>[] Weights, double[] Norms, int Bigrams);
}
