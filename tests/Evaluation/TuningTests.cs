using D2Pruner.AI.Evaluation.Scenes;
using D2Pruner.AI.Evaluation.Tuning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace D2Pruner.AI.Tests.Evaluation;

[Collection(TorchCollection.Name)]
public sealed class TuningTests
{
    [Fact]
    public void Tuning_LooksAtTheShippedModel_AndWritesAProfileThatOptionsRead()
    {
        using var folder = new TemporaryFolder();
        for (var i = 0; i < 4; i++) File.WriteAllBytes(folder.File($"{i}.png"), SceneCases.Image(Split.Validation, 5, i));
        File.WriteAllText(folder.File("4.png"), "no image");
        var report = ModelTuning.Run(new TuningOptions
        {
            Model = new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu" },
            Images = [.. Directory.GetFiles(folder.Path).Order()],
            Layers = [2, 4],
        });
        Assert.Equal((4, 1), (report.Images, report.Skipped.Count));
        Assert.Equal([2, 4], report.Layers.Select(l => l.Layer));
        // The graph of layer 2 is dense and the independent set runs dry (specification of the hunt:
        // 77% of pairs, 5 of 20 tokens at n = 64).
        Assert.InRange(report.Layers[0].EdgeDensity, 0.5, 0.95);
        Assert.True(report.Layers[0].Fill.Max() > 0.5, string.Join(", ", report.Layers[0].Fill));
        Assert.All(report.Layers, l => Assert.InRange(l.PriorStrength, 0, 1));
        Assert.All(report.Layers, l => Assert.InRange(l.SplitHalf, -1, 1));
        Assert.Equal((24, 24, 576), (report.Layers[0].Rows, report.Layers[0].Columns, report.Layers[0].MeanMap.Count));
        Assert.Equal(576, report.Layers[0].Prior!.Count); // calibrated for K = 2 and 5
        Assert.Null(report.Layers[1].Prior);
        var path = folder.File("tuned.profile.json");
        TuningFiles.WriteProfile(report, "tuned", path);
        TuningFiles.DrawMaps(report, folder.File("maps.png"));
        Assert.True(new FileInfo(folder.File("maps.png")).Length > 500);
        var options = new D2PrunerChatClientOptions();
        new ConfigurationBuilder().AddJsonFile(path).Build().GetSection($"{TuningFiles.Section}:tuned").Bind(options);
        Assert.Equal((report.Method, report.LayersBeforePruning), (options.Pruning.Method, options.Pruning.LayersBeforePruning));
    }

    [Fact]
    public void NoImageAtAll_IsTold()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a.png"), "no image");
        var options = new TuningOptions { Model = new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu" },
            Images = [folder.File("a.png")] };
        Assert.Contains("None of 1 images", Assert.Throws<ArgumentException>(() => ModelTuning.Run(options)).Message);
    }
}
