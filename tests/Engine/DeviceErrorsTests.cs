using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Engine;

/// <summary>Errors after which a process computes nothing more on its GPU, and those of one call.</summary>
[Collection(TorchCollection.Name)]
public sealed class DeviceErrorsTests
{
    private const string Advice = "\nCUDA kernel errors might be asynchronously reported at some other API call.\n"
        + "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.";

    [Theory]
    [InlineData("CUDA error: an illegal memory access was encountered" + Advice, true)]
    [InlineData("CUDA error: device-side assert triggered" + Advice, true)]
    [InlineData("CUDA error: the launch timed out and was terminated" + Advice, true)]
    [InlineData("CUDA error: uncorrectable ECC error encountered" + Advice, true)]
    [InlineData("CUDA error: operation not supported on global/shared address space" + Advice, true)]
    [InlineData("CUDA error: invalid configuration argument" + Advice, false)]
    [InlineData("CUDA error: invalid argument" + Advice, false)]
    [InlineData("CUDA error: out of memory" + Advice, false)]
    [InlineData("CUDA error: CUBLAS_STATUS_NOT_SUPPORTED when calling `cublasGemmEx(...)`", false)]
    [InlineData("misaligned address", false)]
    public void OnesThatStay_AreKnownByTheirWords(string message, bool lasting) =>
        Assert.Equal(lasting, DeviceErrors.IsLasting(new InvalidOperationException(message)));

    [Fact]
    public void ALoadWithoutTheGpu_SaysThatTheProcessMustBeRestarted()
    {
        var options = new VisionModelOptions { ModelPath = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"), Device = "cpu" };
        var e = Assert.Throws<EngineUnavailableException>(() => ModelLoader.LoadModel(options, new LostGpu()));
        Assert.Equal(VisionErrorKind.Unavailable, e.Kind);
        Assert.EndsWith("an illegal memory access was encountered. The process cannot use the GPU any more: restart it.", e.Message);
        Assert.True(DeviceErrors.IsLost(e));
    }

    [Fact]
    public async Task AnEngineWithoutTheGpu_AdvisesNobodyToLoadAgain()
    {
        var executor = new ScriptedExecutor
            { Started = _ => throw new InvalidOperationException("CUDA error: unspecified launch failure" + Advice) };
        await using var engine = await VisionLanguageEngineTests.Start(executor);
        var first = await Assert.ThrowsAsync<EngineUnavailableException>(() => VisionLanguageEngineTests.All(engine, "a"));
        await VisionLanguageEngineTests.WaitFor(() => engine.GetStatus().State == EngineState.Faulted);
        var late = await Assert.ThrowsAsync<EngineUnavailableException>(() => VisionLanguageEngineTests.All(engine, "b"));
        Assert.EndsWith("restart it.", first.Message, StringComparison.Ordinal);
        Assert.EndsWith("restart it.", late.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnErrorOfOneCall_EndsThatRequestOnly()
    {
        var executor = new ScriptedExecutor { Started = r =>
            { if (r.Turns[0].Text == "bad") throw new InvalidOperationException("CUDA error: invalid argument" + Advice); } };
        await using var engine = await VisionLanguageEngineTests.Start(executor);
        await Assert.ThrowsAsync<InvalidOperationException>(() => VisionLanguageEngineTests.All(engine, "bad"));
        Assert.IsType<GenerationCompleted>((await VisionLanguageEngineTests.All(engine, "good"))[^1]);
    }

    private sealed class LostGpu : IProgress<ModelLoadProgress>
    {
        public void Report(ModelLoadProgress value)
        {
            if (value.Stage == "Loading weights")
                throw new InvalidOperationException("CUDA error: an illegal memory access was encountered" + Advice);
        }
    }
}
