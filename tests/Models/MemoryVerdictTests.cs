using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Native;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Models;

/// <summary>Whether a model fits, told before anything is read.</summary>
[Collection(TorchCollection.Name)]
public sealed class MemoryVerdictTests : IDisposable
{
    private const long GiB = 1L << 30;
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        MachineMemory.Pretended = null;
        _folder.Dispose();
    }

    [Fact]
    public void Estimate_IsTheArithmetic()
    {
        var llava = Blueprint("llava-1.5-7b");
        var e = MemoryEstimate.Of(
            llava, 7_063_427_072 * 2, ScalarType.BFloat16, DeviceType.CUDA, new MemoryWorkload { TextTokens = 24, AnswerTokens = 100 });
        Assert.Equal((576, 192), (e.VisualTokens, e.VisualTokensKept));
        // 32 layers of 4096 keys and values each, two bytes.
        Assert.Equal(32L * 2 * 4096 * 2 * (576 + 124), e.KvBytesUnpruned);
        Assert.Equal(2L * 4096 * 2 * (2 * (576 + 124) + 30 * (192 + 124)), e.KvBytesPruned);
        Assert.Equal(e.WeightBytes + e.KvBytesUnpruned + e.WorkBytes, e.TotalUnpruned);
        var cpu = MemoryEstimate.Of(
            llava, 7_063_427_072 * 2, ScalarType.BFloat16, DeviceType.CPU, new MemoryWorkload { TextTokens = 24, AnswerTokens = 100 });
        Assert.Equal(e.KvBytesUnpruned, cpu.KvBytesUnpruned);
        var wide = MemoryEstimate.Of(
            llava, 7_063_427_072 * 2, ScalarType.BFloat16, DeviceType.CPU,
            new MemoryWorkload { TextTokens = 24, AnswerTokens = 100, Float32Kv = true });
        Assert.Equal(2 * e.KvBytesUnpruned, wide.KvBytesUnpruned);
    }

    [Theory]
    [InlineData(40, true, true)]
    [InlineData(13.8, true, false)]
    [InlineData(8, false, false)]
    public void Verdict_ByWhatIsFree(double freeGiB, bool fits, bool unpruned)
    {
        var v = MemoryVerdict.Of(
            Blueprint("llava-1.5-7b"), 7_063_427_072 * 2, ScalarType.BFloat16, CPU, new MemoryWorkload(), (long)(freeGiB * GiB));
        Assert.Equal((fits, unpruned), (v.Fits, v.FitsUnpruned));
        if (fits)
        {
            v.Ensure("x");
            return;
        }

        var e = Assert.Throws<ModelMemoryException>(() => v.Ensure("llava-hf/llava-1.5-7b-hf"));
        Assert.Equal((v.Estimate.TotalPruned, 8 * GiB), (e.NeededBytes, e.FreeBytes));
        Assert.Contains("8.00 GiB", e.Message, StringComparison.Ordinal);
        Assert.Contains("--quantization Int8", e.Message, StringComparison.Ordinal);
        Assert.Contains("a smaller model: ", e.Message, StringComparison.Ordinal);
        Assert.Equal(VisionErrorKind.Unavailable, e.GetVisionErrorKind());
    }

    // 4 bits in groups of 16 and float8 are made dense as they load; the others stay codes.
    [Theory]
    [InlineData(4, 16)]
    [InlineData(4, 32)]
    [InlineData(4, 128)]
    [InlineData(8, 64)]
    public void QuantizedFolder_TakesWhatIsEstimated(int bits, int group)
    {
        var target = _folder.File("quantized");
        ModelQuantizer.Write(Repository.DemoModel, target, new QuantizeOptions { Bits = bits, Group = group });
        AssertEstimate(target, ModelQuantization.None);
    }

    [Fact]
    public void Float8_TakesWhatIsEstimated() =>
        AssertEstimate(Path.Combine(FixtureFolders.Copies!, "quantized", "ct-fp8-channel", "model"), ModelQuantization.None);

    [Theory]
    [InlineData(ModelQuantization.None)]
    [InlineData(ModelQuantization.Int8)]
    [InlineData(ModelQuantization.Int4)]
    public void RoundedAtLoad_TakesWhatIsEstimated(ModelQuantization quantization) =>
        AssertEstimate(Repository.DemoModel, quantization);

    [Fact]
    public void Rounding_IsOfferedOnlyWhereItSaves()
    {
        var llava = Blueprint("llava-1.5-7b");
        bool Offered(Device device, bool quantized) => MemoryVerdict
            .Of(llava, 7_063_427_072 * 2, ScalarType.BFloat16, device, new MemoryWorkload(), 8 * GiB, quantized)
            .Choices.Any(c => c.Contains("--quantization", StringComparison.Ordinal));
        var gpu = new Device(DeviceType.CUDA, 0);
        Assert.True(Offered(CPU, quantized: false));
        Assert.False(Offered(CPU, quantized: true)); // a load refuses it
        Assert.False(Offered(gpu, quantized: false));
        var demo = CheckpointFolder.Open(Repository.DemoModel);
        var plan = ModelFamilies.Read(demo).Plan();
        Assert.Equal(2 * plan.Parameters,
            MemoryEstimate.BytesOfWeights(demo, plan, ScalarType.BFloat16, ModelQuantization.Int4, DeviceType.CUDA));
    }

    [Fact]
    public void Float32_IsToldOfBFloat16()
    {
        var v = MemoryVerdict.Of(Blueprint("llava-1.5-7b"), 7_063_427_072 * 4, ScalarType.Float32, CPU, new MemoryWorkload(), 16 * GiB);
        Assert.Contains(v.Choices, c => c.Contains("BFloat16", StringComparison.Ordinal));
    }

    [Fact]
    public void ManyImages_AreToldOfFewer()
    {
        var v = MemoryVerdict.Of(
            Blueprint("llava-1.5-7b"), 7_063_427_072 * 2, ScalarType.BFloat16, CPU, new MemoryWorkload { Images = 60 }, 15 * GiB);
        Assert.Contains(v.Choices, c => c.Contains("fewer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Load_IsRefused_UnlessToldNotToLook()
    {
        MachineMemory.Pretended = 1 << 20;
        var options = new VisionModelOptions { ModelPath = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"), Device = "cpu" };
        var e = await Assert.ThrowsAsync<ModelMemoryException>(() => VisionLanguageEngine.LoadAsync(options));
        Assert.Equal(1 << 20, e.FreeBytes);
        options.CheckMemory = false;
        await using var engine = await VisionLanguageEngine.LoadAsync(options);
    }

    [Fact]
    public void Machine_SaysSomethingSensible()
    {
        Assert.InRange(MachineMemory.FreeBytes, 1 << 20, MachineMemory.TotalBytes);
        Assert.NotNull(NvidiaDriver.Devices());
    }

    private static void AssertEstimate(string path, ModelQuantization quantization)
    {
        using var model = ModelLoader.LoadModel(
            new VisionModelOptions { ModelPath = path, Device = "cpu", Quantization = quantization });
        var bytes = MemoryEstimate.BytesOfWeights(
            CheckpointFolder.Open(path), model.Blueprint.Plan(), ScalarType.BFloat16, quantization, DeviceType.CPU);
        Assert.InRange((double)bytes / model.WeightBytes, 0.97, 1.03);
    }

    private ModelBlueprint Blueprint(string plan)
    {
        var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(FixtureFolders.Copies!, "plans", plan + ".json"))).RootElement;
        File.WriteAllText(_folder.File("config.json"), json.GetProperty("config").GetRawText());
        return ModelFamilies.Read(CheckpointFolder.Open(_folder.Path));
    }
}
