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
    public static IEnumerable<string> Compare(string name, Blob expected, Blob? actual)
    {
        if (actual is null) return [$"{name} was not computed"];
        return expected.Data switch
        {
            float[] e when actual.Data is float[] a => Floats(name, e, Tail(name, expected.Shape, actual.Shape, a), expected.Shape, actual.Shape),
            long[] e when actual.Data is long[] a => Exact(name, e, name.Contains("greedy_ids", StringComparison.Ordinal) ? [.. a.Take(e.Length)] : a),
            byte[] e when actual.Data is byte[] a => Exact(name, e, a),
            _ => [$"{name}: {expected.Data.GetType().Name} expected, {actual.Data.GetType().Name} found"],
        };
    }

    /// <summary>Differences of a pruning's JSON fields.</summary>
    public static IEnumerable<string> ComparePruning(JsonElement expected, JsonElement actual)
    {
        foreach (var key in new[] { "budgets", "kv_lengths" })
        {
            var (e, a) = (Ints(expected.GetProperty(key)), Ints(actual.GetProperty(key)));
            if (!e.SequenceEqual(a)) yield return $"{key}: [{string.Join(",", e)}] expected, [{string.Join(",", a)}] found";
        }

        var images = expected.GetProperty("images").EnumerateArray().Zip(actual.GetProperty("images").EnumerateArray()).ToArray();
        if (images.Length != expected.GetProperty("images").GetArrayLength()) yield return "another number of images";
        foreach (var (e, a) in images)
        {
            foreach (var key in new[] { "n", "pivots", "fill" })
            {
                if (e.GetProperty(key).GetInt64() != a.GetProperty(key).GetInt64()) yield return $"{key}: {e.GetProperty(key)} expected, {a.GetProperty(key)} found";
            }

            if (a.GetProperty("s_min").ValueKind == JsonValueKind.Null) continue; // n >= V: no selection ran
            foreach (var difference in CompareGraph(e, a)) yield return difference;
        }
    }

    /// <summary>Differences of edges (within max(2, 2e-5 * edges)) and similarity bounds (1e-5).</summary>
    public static IEnumerable<string> CompareGraph(JsonElement e, JsonElement a)
    {
        var (edges, found) = (e.GetProperty("edges").GetInt64(), a.GetProperty("edges").GetInt64());
        if (Math.Abs(edges - found) > Math.Max(2, 2e-5 * edges)) yield return $"edges: {edges} expected, {found} found";
        foreach (var key in new[] { "s_min", "s_max" })
        {
            if (e.TryGetProperty(key, out var s) && Math.Abs(s.GetDouble() - a.GetProperty(key).GetDouble()) > 1e-5) yield return $"{key}: {s} expected, {a.GetProperty(key)} found";
        }
    }

    private static IEnumerable<int> Ints(JsonElement json) => json.EnumerateArray().Select(v => v.GetInt32());

    // Only the last row of the logits, or only the first tiles of the pixels, may be stored.
    private static float[] Tail(string name, long[] expected, long[] actual, float[] a)
    {
        var rest = expected.Skip(1).Aggregate(1L, (x, y) => x * y);
        if (expected.Length != actual.Length || expected[0] >= actual[0] || !expected.AsSpan(1).SequenceEqual(actual.AsSpan(1))) return a;
        return name == "logits" ? a[^(int)(expected[0] * rest)..] : name == "pixel_values" ? a[..(int)(expected[0] * rest)] : a;
    }

    private static IEnumerable<string> Floats(string name, float[] expected, float[] actual, long[] expectedShape, long[] actualShape)
    {
        if (expected.Length != actual.Length)
        {
            yield return $"{name}: shape [{string.Join(",", expectedShape)}] expected, [{string.Join(",", actualShape)}] found";
            yield break;
        }

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

    private static double Tolerance(string name, float expected) => name switch
    {
        "pixel_values" => 1e-6,
        _ when name.Contains("attention_row", StringComparison.Ordinal) => 1e-5,
        _ when name.Contains("hidden.", StringComparison.Ordinal) => 1e-4 * (1 + Math.Abs(expected)),
        _ when name.EndsWith(".a_rel", StringComparison.Ordinal) || name.EndsWith(".prior", StringComparison.Ordinal) => 1e-4 * Math.Abs(expected),
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
