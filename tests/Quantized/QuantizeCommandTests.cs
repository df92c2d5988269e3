using D2Pruner.AI.Cli;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
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
        using var loaded = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu", Quantization = quantization });
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
        Assert.Throws<ArgumentException>(() => ModelLoader.LoadModel(new VisionModelOptions { ModelPath = folder.File("b"), Device = "cpu", Quantization = ModelQuantization.Int4 }));
    }

    [Fact]
    public void HeadInEightBits_IsAnOption()
    {
        using var model = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu", Quantization = ModelQuantization.Int8, QuantizeHead = true });
        Assert.Equal("int8", Assert.IsType<QuantizedLinear>(model.Decoder.Weights.Head).Storage);
        Assert.Equal("bfloat16+int8+head-int8", model.Info.DType);
        Assert.Equal(ScalarType.BFloat16, model.Decoder.Weights.Embedding.dtype);
    }

    private static Task<int> Run(params string[] args) => QuantizeCommand.Create().Parse(args).InvokeAsync();
}
