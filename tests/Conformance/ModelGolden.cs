using System.Text.Json;
using D2Pruner.AI.Conformance;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>What a model folder expects of one case: its entry in cases.json and its tensors.</summary>
internal sealed record ModelGolden(string Name, JsonElement Case, SortedDictionary<string, Blob> Tensors)
{
    /// <summary>Ids that end an answer.</summary>
    public long[] StopIds => Case.TryGetProperty("eos", out var eos) ? [.. eos.EnumerateArray().Select(e => e.GetInt64())] : [];

    /// <summary>Visual tokens per picture.</summary>
    public int[] VisualTokens =>
        [.. Case.GetProperty("layout").EnumerateArray()
            .Select(l => l.GetProperty("components").EnumerateArray().Sum(g => g.GetProperty("positions").GetArrayLength()))];

    public static ModelGolden Read(string folder, string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
        var c = json.RootElement.GetProperty("cases").EnumerateArray().First(x => x.GetProperty("name").GetString() == name).Clone();
        return new ModelGolden(name, c, Expectation.Read(TensorFile(folder, c)));
    }

    /// <summary>The file of a case's expected tensors.</summary>
    public static string TensorFile(string folder, JsonElement c) =>
        Path.Combine(folder, c.TryGetProperty("expected", out var file) ? file.GetString()!
            : $"expected/{c.GetProperty("name").GetString()}.safetensors");
}
