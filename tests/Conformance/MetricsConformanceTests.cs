using System.Text.Json;
using D2Pruner.AI.Conformance;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

[Trait("Category", "Conformance")]
public sealed class MetricsConformanceTests
{
    public static TheoryData<string, string> Functions()
    {
        var data = new TheoryData<string, string>();
        foreach (var file in FixtureFolders.Find(FixtureKind.Metrics).SelectMany(f => Directory.GetFiles(f, "*.json"))
            .Order(StringComparer.Ordinal))
        {
            foreach (var function in Read(file).Select(c => c.GetProperty("fn").GetString()!).Distinct()) data.Add(file, function);
        }

        if (data.Count == 0) data.Add(NoRows.Label, "");
        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Functions))]
    public void Metric_EqualsOfficialCode(string file, string function)
    {
        NoRows.SkipIfNone(file);
        var cases = Read(file).Where(c => c.GetProperty("fn").GetString() == function).ToArray();
        var misses = cases.SelectMany(c => Differences(c).Select(d => $"{d}\n   {Short(c)}")).ToArray();
        Assert.True(misses.Length == 0,
            $"{function}: {misses.Length} differences in {cases.Length} cases\n{string.Join('\n', misses.Take(20))}");
    }

    [Fact]
    public void EveryFunctionOfTheCopies_IsKnown() =>
        Assert.All(Directory.GetFiles(Path.Combine(FixtureFolders.Copies!, "metrics"), "*.json").SelectMany(Read),
            c => Assert.NotNull(MetricCases.Compute(c)));

    private static IEnumerable<string> Differences(JsonElement golden)
    {
        var actual = JsonSerializer.SerializeToElement(MetricCases.Compute(golden), MetricCases.Json);
        foreach (var property in golden.EnumerateObject().Where(p => p.Name.StartsWith("expected", StringComparison.Ordinal)))
        {
            var found = actual.ValueKind == JsonValueKind.Object && actual.TryGetProperty(property.Name, out var named) ? named : default;
            var name = golden.GetProperty("fn").GetString()!.StartsWith("mmb_infer", StringComparison.Ordinal) ? MetricCases.NoLetter
                : property.Name;
            foreach (var difference in Compare(name, property.Value, found, MetricCases.Tolerance(golden))) yield return difference;
        }
    }

    // null in a golden: the official code raises or gives NaN there; ours may choose.
    private static IEnumerable<string> Compare(string path, JsonElement expected, JsonElement actual, Func<string, double> tolerance)
    {
        switch (expected.ValueKind)
        {
            case JsonValueKind.Null when actual.ValueKind == JsonValueKind.String && actual.GetString() is { Length: > 0 } letter
                && path == MetricCases.NoLetter:
                yield return $"{path}: no letter expected, {letter} found";
                break;
            case JsonValueKind.Null:
                break;
            case JsonValueKind.Object:
                foreach (var p in expected.EnumerateObject())
                {
                    var value = actual.ValueKind == JsonValueKind.Object && actual.TryGetProperty(p.Name, out var found) ? found : default;
                    foreach (var d in Compare($"{path}.{p.Name}", p.Value, value, tolerance)) yield return d;
                }

                break;
            case JsonValueKind.Array:
                if (actual.ValueKind != JsonValueKind.Array || actual.GetArrayLength() != expected.GetArrayLength())
                {
                    yield return $"{path}: {expected} expected, {Text(actual)} found";
                    break;
                }

                for (var i = 0; i < expected.GetArrayLength(); i++)
                {
                    foreach (var d in Compare($"{path}[{i}]", expected[i], actual[i], tolerance)) yield return d;
                }

                break;
            case JsonValueKind.Number:
                if (Number(actual) is not { } a
                    || !(Math.Abs(a - expected.GetDouble()) <= tolerance(path) * Math.Max(1, Math.Abs(expected.GetDouble()))))
                    yield return $"{path}: {expected} expected, {Text(actual)} found";
                break;
            default:
                if (Text(expected) != Text(actual)) yield return $"{path}: {Text(expected)} expected, {Text(actual)} found";
                break;
        }
    }

    private static double? Number(JsonElement e) =>
        e.ValueKind switch { JsonValueKind.Number => e.GetDouble(), JsonValueKind.True => 1, JsonValueKind.False => 0, _ => null };

    private static string Text(JsonElement e) =>
        e.ValueKind switch { JsonValueKind.Undefined => "nothing", JsonValueKind.String => $"\"{e.GetString()}\"", _ => e.GetRawText() };

    private static string Short(JsonElement e) => e.GetRawText() is var text && text.Length > 500 ? text[..500] + "..." : text;

    private static JsonElement[] Read(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(file));
        return [.. json.RootElement.GetProperty("cases").Clone().EnumerateArray()];
    }
}
