using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints.Quantized;
using D2Pruner.AI.Runtime.Models;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Quantized;

/// <summary>A model rounded at load has one name and one fingerprint, whether kernels hold codes (CPU) or the same values lie there
/// dense (CUDA): its priors serve both.</summary>
[Collection(TorchCollection.Name)]
public sealed class PrecisionNameTests
{
    [Theory]
    [InlineData(ModelQuantization.Int8, false, "bfloat16+int8")]
    [InlineData(ModelQuantization.Int8, true, "bfloat16+int8+head-int8")]
    [InlineData(ModelQuantization.Int4, false, "bfloat16+int4-g128")]
    public void WeightsRoundedAtLoad_AreNamedByTheRule(ModelQuantization quantization, bool head, string name)
    {
        var options = new VisionModelOptions
            { ModelPath = Repository.DemoModel, Device = "cpu", Quantization = quantization, QuantizeHead = head };
        using var codes = ModelLoader.LoadModel(options);
        using var dense = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu" });
        var (down, rule) = (dense.Decoder.Weights.Layers[0].Down, QuantizationRule.Of(quantization));
        Assert.Equal("bfloat16", down.Storage); // as on a device without kernels
        Assert.Equal(name, codes.Info.DType);
        Assert.Equal(name, ModelLoader.PrecisionOf(ScalarType.BFloat16, rule, head, down));
        var checkpoint = dense.Info.Fingerprint;
        Assert.Equal(codes.Info.Fingerprint, ModelLoader.FingerprintOf(checkpoint, ScalarType.BFloat16, options, down));
        Assert.Equal(codes.Info.Fingerprint, ModelLoader.FingerprintOf(checkpoint, ScalarType.Float16, options, down));
        Assert.NotEqual(codes.Info.Fingerprint, ModelLoader.FingerprintOf(checkpoint, ScalarType.Float32, options, down));
    }

    [Fact]
    public void WhatIsNotRounded_HasTheCheckpointsName()
    {
        using var model = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu" });
        var down = model.Decoder.Weights.Layers[0].Down;
        Assert.Equal("bfloat16", ModelLoader.PrecisionOf(ScalarType.BFloat16, null, false, down));
        Assert.Equal("checkpoint's", ModelLoader.FingerprintOf("checkpoint's", ScalarType.BFloat16, new VisionModelOptions(), down));
    }
}
