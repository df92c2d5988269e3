using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Checkpoints;
using TorchSharp;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>Compares results with golden data by the tolerances of the fixtures' README.</summary>
internal static class Expectation
{
    /// <summary>Reads an expected file.</summary>
    public static SortedDictionary<string, Blob> Read(string path)
    {
        using var file = SafetensorsFile.Open(path);
        var result = new SortedDictionary<string, Blob>(StringComparer.Ordinal);
        foreach (var name in file.Names)
        {
            var e = file.Find(name)!;
            result[name] = e.Type switch
            {
                torch.ScalarType.Float32 => new Blob(file.ReadArray<float>(name), e.Shape),
                torch.ScalarType.Int64 => new Blob(file.ReadArray<long>(name), e.Shape),
                torch.ScalarType.Byte => new Blob(file.ReadArray<byte>(name), e.Shape),
                _ => throw new InvalidOperationException($"{name}: {e.Type}"),
            };
        }

        return result;
    }

    /// <summary>Differences between an expected tensor and what was computed; empty when they agree.</summary>
    /// <param name="name">Its name, which decides the tolerance.</param>
    /// <param name="expected">The golden tensor.</param>
    /// <param name="actual">The computed tensor; null when there is none.</param>
    /// <param name="stopIds">Ids that end an answer.</param>
    public static IEnumerable<string> Compare(string name, Blob expected, Blob? actual, long[]? stopIds = null)
    {
        if (actual is null) return [$"{name} was not computed"];
        if (TensorName.QuantityOf(name) is "greedy_ids" or "greedy_ids_with_penalty"
            && (expected.Data, actual.Data) is (long[] golden, long[] found)) return CompareAnswer(name, golden, found, stopIds ?? []);
        actual = Stored(name, expected.Shape, actual);
        if (!expected.Shape.AsSpan().SequenceEqual(actual.Shape))
            return [$"{name}: shape [{string.Join(",", expected.Shape)}] expected, [{string.Join(",", actual.Shape)}] found"];
        return (expected.Data, actual.Data) switch
        {
            (float[] e, float[] a) => Floats(name, e, a),
            (long[] e, long[] a) => Exact(name, e, a),
            (byte[] e, byte[] a) => Exact(name, e, a),
            _ => [$"{name}: {expected.Data.GetType().Name} expected, {actual.Data.GetType().Name} found"],
        };
    }

    /// <summary>Differences of what a selection did: pivots, fill and, where one ran (n below V), its graph.</summary>
    public static IEnumerable<string> CompareSelection(JsonElement e, JsonElement a, int visualTokens)
    {
        foreach (var key in new[] { "pivots", "fill" })
        {
            if (e.GetProperty(key).GetInt64() != a.GetProperty(key).GetInt64())
                yield return $"{key}: {e.GetProperty(key)} expected, {a.GetProperty(key)} found";
        }

        if (e.GetProperty("n").GetInt64() >= visualTokens) yield break;
        var (edges, found) = (e.GetProperty("edges").GetInt64(), a.GetProperty("edges").GetInt64());
        if (Math.Abs(edges - found) > Math.Max(2, 2e-5 * edges)) yield return $"edges: {edges} expected, {found} found";
        foreach (var key in new[] { "s_min", "s_max" })
        {
            if (!e.TryGetProperty(key, out var s)) continue;
            var similarity = a.GetProperty(key);
            if (similarity.ValueKind != JsonValueKind.Number || !(Math.Abs(s.GetDouble() - similarity.GetDouble()) <= 1e-5))
                yield return $"{key}: {s} expected, {similarity} found";
        }
    }

    // A golden answer may stop before a near-tie, where the computed one goes on; but one that ends in a stop id ends there.
    private static IEnumerable<string> CompareAnswer(string name, long[] expected, long[] actual, long[] stopIds)
    {
        var ends = expected.Length > 0 && stopIds.Contains(expected[^1]);
        return Exact(name, expected, ends ? actual : [.. actual.Take(expected.Length)]);
    }

    // Only the last row of the logits, or only the first rows or tiles of the pixels, may be stored: that part of what was computed.
    private static Blob Stored(string name, long[] expected, Blob actual)
    {
        if (actual.Data is not float[] a || expected.Length != actual.Shape.Length || expected[0] >= actual.Shape[0]) return actual;
        var values = (int)(expected[0] * actual.Shape.Skip(1).Aggregate(1L, (x, y) => x * y));
        long[] shape = [expected[0], .. actual.Shape[1..]];
        return name == "logits" ? new Blob(a[^values..], shape) : name == "pixel_values" ? new Blob(a[..values], shape) : actual;
    }

    private static IEnumerable<string> Floats(string name, float[] expected, float[] actual)
    {
        for (var i = 0; i < expected.Length; i++)
        {
            // Not "greater than": a NaN must fail too.
            if (!(Math.Abs(expected[i] - actual[i]) <= Tolerance(name, expected[i])))
            {
                yield return $"{name}[{i}]: {expected[i]} expected, {actual[i]} found";
                yield break;
            }
        }
    }

    private static double Tolerance(string name, float expected) => TensorName.QuantityOf(name) switch
    {
        "pixel_values" => 1e-6,
        "attention_row" => 1e-5,
        "hidden" => 1e-4 * (1 + Math.Abs(expected)),
        "a_rel" or "prior" => 1e-4 * Math.Abs(expected),
        _ => 1e-4,
    };

    private static IEnumerable<string> Exact<T>(string name, T[] expected, T[] actual)
        where T : IEquatable<T>
    {
        if (expected.Length != actual.Length) yield return $"{name}: {expected.Length} values expected, {actual.Length} found";
        for (var i = 0; i < Math.Min(expected.Length, actual.Length); i++)
        {
            if (expected[i].Equals(actual[i])) continue;
            yield return $"{name}[{i}]: {expected[i]} expected, {actual[i]} found";
            yield break;
        }
    }
}
