using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Models;

/// <summary>The list of known models against the tensor plans of the published files (which the conformance
/// suite compares tensor by tensor).</summary>
public sealed class KnownModelsTests
{
    private static readonly Dictionary<string, string> Plans = new()
    {
        ["OpenGVLab/InternVL2_5-1B"] = "internvl2_5-1b",
        ["OpenGVLab/InternVL2_5-4B"] = "internvl2_5-4b",
        ["OpenGVLab/InternVL2_5-8B"] = "internvl2_5-8b",
        ["Qwen/Qwen2.5-VL-3B-Instruct"] = "qwen2.5-vl-3b",
        ["Qwen/Qwen2.5-VL-7B-Instruct"] = "qwen2.5-vl-7b",
        ["llava-hf/llava-1.5-7b-hf"] = "llava-1.5-7b",
        ["llava-hf/llava-1.5-13b-hf"] = "llava-1.5-13b",
        ["llava-hf/llava-v1.6-vicuna-7b-hf"] = "llava-v1.6-vicuna-7b",
        ["llava-hf/llava-v1.6-mistral-7b-hf"] = "llava-v1.6-mistral-7b",
    };

    public static TheoryData<string> Ids() => [.. KnownModels.All.Select(m => m.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void Figures_AreThePlans(string id)
    {
        var model = KnownModels.Find(id)!;
        var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(FixtureFolders.Copies!, "plans", Plans[id] + ".json"))).RootElement;
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), json.GetProperty("config").GetRawText());
        var blueprint = ModelFamilies.Read(CheckpointFolder.Open(folder.Path));
        Assert.Equal(json.GetProperty("parameters").GetInt64(), model.Parameters);
        Assert.Equal(json.GetProperty("tensors").EnumerateObject()
            .Sum(t => t.Value.EnumerateArray().Aggregate(1L, (a, d) => a * d.GetInt64())), model.Parameters);
        Assert.Equal(json.GetProperty("config").GetProperty("model_type").GetString(), model.Family);
        var plan = blueprint.Plan();
        Assert.Equal(plan.Parameters, model.Parameters);
        Assert.Equal((blueprint.Text.Layers, blueprint.Text.KvHeads, blueprint.Text.HeadDim), (model.Layers, model.KvHeads, model.HeadDim));
        Assert.Equal(blueprint.ImageProcessor(default).Plan(640, 480).Grids.Sum(g => g.Rows * g.Columns), model.ImageTokens);
    }

    [Fact]
    public void List_StartsSmall_AndEveryPlanIsInIt()
    {
        Assert.Equal(KnownModels.All.Select(m => m.Parameters).Order(), KnownModels.All.Select(m => m.Parameters));
        Assert.Equal(Directory.GetFiles(Path.Combine(FixtureFolders.Copies!, "plans"), "*.json")
            .Select(f => Path.GetFileNameWithoutExtension(f)!).Order(), Plans.Values.Order());
        Assert.Equal(Plans.Keys.Order(), KnownModels.All.Select(m => m.Id).Order());
    }
}
