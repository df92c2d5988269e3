using System.Text.Json;
using D2Pruner.AI.Conformance;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>Compares a computed case with its golden one, one group of quantities at a time.</summary>
internal static class ModelChecks
{
    /// <summary>The group of the fields of cases.json: prompt, layout and next position.</summary>
    public const string Fields = "fields";

    private const string Pruned = "pruned.";

    /// <summary>The group that a tensor is compared in. Every name has one: a kind nobody thought of
    /// fails instead of passing unseen.</summary>
    public static string GroupOf(string tensor) => TensorName.PruningOf(tensor) is { } pruning ? GroupOfPruning(pruning)
        : TensorName.QuantityOf(tensor) switch
    {
        "input_ids" or "position_ids" => "ids",
        "image_grid_thw" or "tiles" or "image_sizes" => "grids",
        "pixel_values" => "pixels",
        "vision_features" => "features",
        "attention_row" => "attention",
        "greedy_ids" => "greedy",
        "greedy_ids_with_penalty" or "scores_with_penalty" => "penalty",
        var known and ("resized" or "hidden" or "logits") => known,
        _ => "other",
    };

    /// <summary>The group of a pruning.</summary>
    public static string GroupOfPruning(string name) => Pruned + name;

    /// <summary>Is it a pruning's group?</summary>
    public static bool IsPruning(string group) => group.StartsWith(Pruned, StringComparison.Ordinal);

    /// <summary>Differences in one group; empty when they agree.</summary>
    /// <param name="golden">What is expected.</param>
    /// <param name="result">What was computed.</param>
    /// <param name="group">A group of <see cref="GroupOf"/>, or <see cref="Fields"/>.</param>
    /// <param name="decode">The model's tokenizer, special tokens skipped.</param>
    public static IEnumerable<string> Compare(ModelGolden golden, ModelCaseResult result, string group, Func<int[], string> decode)
    {
        var json = JsonSerializer.SerializeToElement(result.Json);
        if (group == Fields) return CompareFields(golden.Case, json);
        var tensors = golden.Tensors.Where(t => GroupOf(t.Key) == group).ToArray();
        if (tensors.Length == 0) return [$"no tensor of the group '{group}' is stored"];
        var differences = tensors.SelectMany(
            t => Expectation.Compare(t.Key, t.Value, result.Tensors.GetValueOrDefault(t.Key), golden.StopIds));
        if (group == "greedy") return differences.Concat(CompareText(golden, result, json, decode));
        return IsPruning(group) ? differences.Concat(ComparePruning(golden, json, group[Pruned.Length..])) : differences;
    }

    private static IEnumerable<string> CompareFields(JsonElement e, JsonElement a)
    {
        foreach (var key in new[] { "prompt", "next_position", "layout" })
        {
            var (expected, found) = (Canonical(e.GetProperty(key)), Canonical(a.GetProperty(key)));
            if (expected != found) yield return $"{key}: {expected} expected, {found} found";
        }
    }

    // A golden list may stop before a near-tie and its text with it; the computed one goes on.
    private static IEnumerable<string> CompareText(ModelGolden golden, ModelCaseResult result, JsonElement json, Func<int[], string> decode)
    {
        var ids = (long[])result.Tensors["greedy_ids"].Data;
        var count = golden.Tensors["greedy_ids"].Data.Length;
        var text = ids.Length <= count ? json.GetProperty("text").GetString() : decode([.. ids.Take(count).Select(i => (int)i)]);
        if (golden.Case.GetProperty("text").GetString() is var expected && expected != text)
            yield return $"text: {expected} expected, {text} found";
    }

    private static IEnumerable<string> ComparePruning(ModelGolden golden, JsonElement json, string name)
    {
        JsonElement Of(JsonElement c) => c.GetProperty("prunings").EnumerateArray().First(p => p.GetProperty("name").GetString() == name);
        var (expected, actual) = (Of(golden.Case), Of(json));
        foreach (var key in new[] { "budgets", "kv_lengths" })
        {
            var (e, a) = (Canonical(expected.GetProperty(key)), Canonical(actual.GetProperty(key)));
            if (e != a) yield return $"{key}: {e} expected, {a} found";
        }

        var visual = golden.VisualTokens;
        var (images, found) = (expected.GetProperty("images"), actual.GetProperty("images"));
        if (images.GetArrayLength() != found.GetArrayLength())
            yield return $"{images.GetArrayLength()} images expected, {found.GetArrayLength()} found";
        for (var i = 0; i < Math.Min(images.GetArrayLength(), found.GetArrayLength()); i++)
        {
            if (images[i].GetProperty("n").GetInt64() != found[i].GetProperty("n").GetInt64())
                yield return $"image {i}, n: {images[i].GetProperty("n")} expected, {found[i].GetProperty("n")} found";
            foreach (var difference in Expectation.CompareSelection(images[i], found[i], visual[i]))
                yield return $"image {i}, {difference}";
        }
    }

    // Numbers as they are written do not matter, nor does the order of keys.
    private static string Canonical(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => "{"
            + string.Join(",", json.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal)
                .Select(p => $"{p.Name}:{Canonical(p.Value)}")) + "}",
        JsonValueKind.Array => "[" + string.Join(",", json.EnumerateArray().Select(Canonical)) + "]",
        _ => json.ToString(),
    };
}
