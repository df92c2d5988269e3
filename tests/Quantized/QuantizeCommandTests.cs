using D2Pruner.AI.Cli;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Evaluation.Scenes;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using D2Pruner.AI.Runtime.Models;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Quantized;

/// <summary><c>d2pruner quantize</c> and quantization at load, on the shipped demo model.</summary>
[Collection(TorchCollection.Name)]
public sealed class QuantizeCommandTests
{
    [Theory]
    [InlineData(ModelQuantization.Int8, "int8", "8")]
    [InlineData(ModelQuantization.Int4, "int4-g128", "4")]
    public async Task WrittenFolder_HoldsWhatLoadingGives(ModelQuantization quantization, string storage, string bits)
    {
        using var folder = new TemporaryFolder();
        var target = folder.File("quantized");
        Assert.Equal(0, await Run(Repository.DemoModel, target, "--bits", bits));
        Assert.False(File.Exists(Path.Combine(target, ModelLoader.PriorFileName))); // belongs to a precision
        using var written = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = target, Device = "cpu" });
        using var loaded = ModelLoader.LoadModel(
            new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu", Quantization = quantization });
        Assert.Equal($"bfloat16+{storage}", written.Info.DType);
        Assert.Equal(written.Info.DType, loaded.Info.DType);
        Assert.NotEqual(written.Info.Fingerprint, loaded.Info.Fingerprint);
        foreach (var (a, b) in written.Decoder.Weights.Layers.Zip(loaded.Decoder.Weights.Layers))
        {
            foreach (var (x, y) in new[] { (a.Query, b.Query), (a.Value, b.Value), (a.Output, b.Output), (a.Up, b.Up), (a.Down, b.Down) })
            {
                Assert.IsType<QuantizedLinear>(x);
                using var p = x.Dequantize(ScalarType.Float32);
                using var q = y.Dequantize(ScalarType.Float32);
                Assert.Equal(p.data<float>().ToArray(), q.data<float>().ToArray());
            }
        }

        Assert.IsType<DenseLinear>(written.Decoder.Weights.Head);
        Assert.True(written.WeightBytes < new FileInfo(Path.Combine(Repository.DemoModel, "model.safetensors")).Length);
    }

    [Fact]
    public async Task AsymmetricSmallGroups_AreWrittenAndRead()
    {
        using var folder = new TemporaryFolder();
        var target = folder.File("quantized");
        Assert.Equal(0, await Run(Repository.DemoModel, target, "--bits", "4", "--group", "32", "--asymmetric"));
        using var model = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = target, Device = "cpu" });
        using var dense = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu" });
        Assert.Equal("bfloat16+int4-g32-asymmetric", model.Info.DType);
        using var scope = NewDisposeScope();
        var exact = dense.Decoder.Weights.Layers[3].Gate.Dequantize(ScalarType.Float32);
        var error = (model.Decoder.Weights.Layers[3].Gate.Dequantize(ScalarType.Float32) - exact).norm() / exact.norm();
        Assert.InRange(error.item<float>(), 0.01f, 0.1f);
    }

    [Fact]
    public async Task Interrupted_LeavesNothing_AndMayBeRepeated()
    {
        using var folder = new TemporaryFolder();
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => ModelQuantizer.Write(
            Repository.DemoModel, folder.File("out"), new QuantizeOptions { Bits = 8 }, new Stopper(stop), stop.Token));
        Assert.True(stop.IsCancellationRequested);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
        Assert.Equal(0, await Run(Repository.DemoModel, folder.File("out"), "--bits", "8"));
    }

    private sealed class Stopper(CancellationTokenSource stop) : IProgress<(long Done, long Total)>
    {
        public void Report((long Done, long Total) value) => stop.Cancel();
    }

    [Fact]
    public async Task WhatCannotBe_IsRefused()
    {
        using var folder = new TemporaryFolder();
        Assert.NotEqual(0, await Run(Repository.DemoModel, folder.File("a"), "--bits", "3"));
        Assert.NotEqual(0, await Run(Repository.DemoModel, folder.File("a"), "--bits", "4", "--group", "20"));
        Assert.NotEqual(0, await Run(Repository.DemoModel, folder.Path + "/x/y", "--bits"));
        Directory.CreateDirectory(folder.File("full"));
        File.WriteAllText(Path.Combine(folder.File("full"), "something"), "");
        Assert.NotEqual(0, await Run(Repository.DemoModel, folder.File("full"), "--bits", "8"));
        Assert.Equal(0, await Run(Repository.DemoModel, folder.File("b"), "--bits", "8"));
        Assert.NotEqual(0, await Run(folder.File("b"), folder.File("c"), "--bits", "4")); // quantized already
        Assert.Throws<ArgumentException>(
            () => ModelLoader.LoadModel(
                new VisionModelOptions { ModelPath = folder.File("b"), Device = "cpu", Quantization = ModelQuantization.Int4 }));
    }

    [Fact]
    public async Task ImagesToCalibrateOn_ChangeTheRounding()
    {
        using var folder = new TemporaryFolder();
        var images = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "images");
        Assert.Equal(0, await Run(Repository.DemoModel, folder.File("nearest"), "--bits", "4"));
        Assert.Equal(0, await Run(
            Repository.DemoModel, folder.File("compensated"), "--bits", "4", "--images", images, "--limit", "2", "--prompt",
            "What colour is the circle?"));
        using var dense = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu" });
        using var nearest = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = folder.File("nearest"), Device = "cpu" });
        using var compensated = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = folder.File("compensated"), Device = "cpu" });
        using var scope = NewDisposeScope();
        using var none = no_grad();
        Tensor Weight(VisionLanguageModel m) => m.Decoder.Weights.Layers[2].Up.Dequantize(ScalarType.Float32);
        var (exact, near, far) = (Weight(dense), Weight(nearest), Weight(compensated));
        // Compensation errs more in the weights, to err less in the products.
        Assert.True((far - exact).norm().item<float>() > (near - exact).norm().item<float>());
        Assert.InRange(((far - exact).norm() / exact.norm()).item<float>(), 0.01f, 0.4f);
    }

    [Fact]
    public void KeptTokens_OfEightBits_AreThoseOfSixteen()
    {
        var kept = new Dictionary<ModelQuantization, List<int[]>>();
        foreach (var quantization in new[] { ModelQuantization.None, ModelQuantization.Int8 })
        {
            using var model = ModelLoader.LoadModel(
                new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu", Quantization = quantization });
            kept[quantization] = [.. Enumerable.Range(0, 6).SelectMany(i => Kept(model, i))];
        }

        var (same, all) = (0, 0);
        foreach (var (a, b) in kept[ModelQuantization.None].Zip(kept[ModelQuantization.Int8]))
            (same, all) = (same + a.Intersect(b).Count(), all + a.Length);
        Assert.True(same >= 0.95 * all, $"{same} of {all}");
    }

    private static IEnumerable<int[]> Kept(VisionLanguageModel model, int scene)
    {
        var (png, questions) = SceneCases.Case(Split.Test, 1, scene);
        foreach (var question in questions.Take(2))
        {
            using var scope = NewDisposeScope();
            using var none = inference_mode();
            var settings = PruningSettings.FromPreset(PruningPreset.Understanding);
            var pruner = PrunerRegistry.BuiltIn.Plan(settings, model.Decoder.Config.Layers).Pruner;
            var image = model.ImageProcessor.Process(ImageDecoder.Decode(png));
            var prompt = model.PromptEncoder.Encode([new ChatTurn("user", [new ImagePart(png), new TextPart(question.Text)])], [image]);
            var options = new PrefillOptions
            {
                Pruner = pruner,
                Budgets = [.. pruner.Schedule.Select(s => BudgetSplit.Split(s.Budget, [prompt.Layouts[0].Count]))],
                Prior = model.Prior,
                Room = 1,
            };
            using var output = PromptForward.Run(model.Decoder, prompt, [model.Vision.Encode(image, false)], options, default);
            yield return output.Images[0].Kept;
        }
    }

    [Fact]
    public void HeadInEightBits_IsAnOption()
    {
        using var model = ModelLoader.LoadModel(
            new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu", Quantization = ModelQuantization.Int8,
                QuantizeHead = true });
        Assert.Equal("int8", Assert.IsType<QuantizedLinear>(model.Decoder.Weights.Head).Storage);
        Assert.Equal("bfloat16+int8+head-int8", model.Info.DType);
        Assert.Equal(ScalarType.BFloat16, model.Decoder.Weights.Embedding.dtype);
    }

    [Fact]
    public void ActivationsOfEightBits_AreAnOptionOverFourBits()
    {
        VisionModelOptions Options(int bits, ModelQuantization quantization = ModelQuantization.Int4) =>
            new() { ModelPath = Repository.DemoModel, Device = "cpu", Quantization = quantization, ActivationBits = bits };
        using var eight = ModelLoader.LoadModel(Options(8));
        using var sixteen = ModelLoader.LoadModel(Options(16));
        Assert.Equal("bfloat16+int4-g128+a8", eight.Info.DType);
        Assert.Equal("bfloat16+int4-g128", sixteen.Info.DType);
        Assert.Equal(sixteen.Info.Fingerprint, eight.Info.Fingerprint); // the weights' own
        var (x, y) = (Step(eight), Step(sixteen));
        double Norm(Func<int, float> value) => Math.Sqrt(Enumerable.Range(0, x.Length).Sum(i => (double)value(i) * value(i)));
        Assert.InRange(Norm(i => x[i] - y[i]) / Norm(i => y[i]), 1e-5, 0.1);

        var refused = Assert.Throws<ArgumentException>(() => ModelLoader.LoadModel(Options(8, ModelQuantization.Int8)));
        Assert.Contains("this one's are int8", refused.Message);
        Assert.Throws<ArgumentException>(() => ModelLoader.LoadModel(Options(12)));

        // A token after a prompt: the decode step's.
        static float[] Step(VisionLanguageModel model)
        {
            using var scope = NewDisposeScope();
            using var none = inference_mode();
            var prompt = model.PromptEncoder.Encode([new ChatTurn("user", [new TextPart("What colour is the circle?")])], []);
            using var output = PromptForward.Run(model.Decoder, prompt, [], new PrefillOptions { Room = 1 }, default);
            var logits = new float[model.Decoder.Config.VocabularySize];
            model.Decoder.Step(output.Cache, 5, prompt.NextPosition, logits);
            return logits;
        }
    }

    private static Task<int> Run(params string[] args) => QuantizeCommand.Create().Parse(args).InvokeAsync();
}
