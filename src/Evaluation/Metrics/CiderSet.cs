namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>CIDEr-D over tokenised captions (a plain number: 1.16 is printed as 116 by some). Document frequencies come from the references
/// given, so a subset's score compares with nothing.</summary>
internal sealed class CiderSet
{
    private const int Longest = 4;
    private const double Sigma = 6;
    private readonly Dictionary<string, int> _frequency = new(StringComparer.Ordinal);
    private readonly Vector[][] _references;
    private readonly double _images;

    /// <summary>Takes the references of all images.</summary>
    /// <param name="references">Per image: its tokenised captions.</param>
    public CiderSet(IReadOnlyList<IReadOnlyList<string>> references)
    {
        var counted = references.Select(r => r.Select(Count).ToArray()).ToArray();
        foreach (var gram in counted.SelectMany(r => r.SelectMany(c => c.SelectMany(n => n.Keys)).Distinct(StringComparer.Ordinal)))
            _frequency[gram] = _frequency.GetValueOrDefault(gram) + 1;
        _images = Math.Log(references.Count);
        _references = [.. counted.Select(r => Array.ConvertAll(r, Weigh))];
    }

    /// <summary>A caption's score against an image's references, 0..10.</summary>
    public double Score(int image, string caption)
    {
        var candidate = Weigh(Count(caption));
        var sum = 0.0;
        foreach (var reference in _references[image])
        {
            var difference = candidate.Bigrams - reference.Bigrams;
            var penalty = Math.Exp(-(double)difference * difference / (2 * Sigma * Sigma));
            for (var n = 0; n < Longest; n++)
            {
                var product = candidate.Weights[n]
                    .Sum(g => reference.Weights[n].TryGetValue(g.Key, out var w) ? Math.Min(g.Value, w) * w : 0);
                var norms = candidate.Norms[n] * reference.Norms[n];
                sum += (norms == 0 ? product : product / norms) * penalty;
            }
        }

        return _references[image].Length == 0 ? 0 : 10 * sum / Longest / _references[image].Length;
    }

    private Vector Weigh(Dictionary<string, int>[] counts)
    {
        var weights = counts.Select(
            n => n.ToDictionary(g => g.Key, g => g.Value * (_images - Math.Log(Math.Max(1, _frequency.GetValueOrDefault(g.Key)))),
                StringComparer.Ordinal)).ToArray();
        return new Vector(weights, [.. weights.Select(w => Math.Sqrt(w.Values.Sum(v => v * v)))], counts[1].Values.Sum());
    }

    // Per n: n-grams with how often they stand in a caption; the words of a gram joined by a blank name it.
    private static Dictionary<string, int>[] Count(string caption)
    {
        var words = PythonText.Split(caption);
        return [.. Enumerable.Range(1, Longest)
            .Select(n => Enumerable.Range(0, Math.Max(0, words.Count - n + 1))
                .GroupBy(i => string.Join(' ', words.GetRange(i, n)), StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal))];
    }

    private sealed record Vector(Dictionary<string, double>[] Weights, double[] Norms, int Bigrams);
}
