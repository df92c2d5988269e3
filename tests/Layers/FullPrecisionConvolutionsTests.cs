using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Layers;

/// <summary>The process's TF32 switch of convolutions, held by two engines at once.</summary>
[Collection(TorchCollection.Name)]
public sealed class FullPrecisionConvolutionsTests
{
    [Fact]
    public void TheSwitch_ComesBack_WhenTheLastHolderIsDone()
    {
        var before = torch.backends.cudnn.allow_tf32;
        torch.backends.cudnn.allow_tf32 = true;
        try
        {
            FullPrecisionConvolutions.On(DeviceType.CUDA, ScalarType.BFloat16).Dispose();
            var first = FullPrecisionConvolutions.On(DeviceType.CUDA, ScalarType.Float32);
            var second = FullPrecisionConvolutions.On(DeviceType.CUDA, ScalarType.Float32);
            Assert.False(torch.backends.cudnn.allow_tf32);
            first.Dispose();
            Assert.False(torch.backends.cudnn.allow_tf32); // the other still computes
            second.Dispose();
            Assert.True(torch.backends.cudnn.allow_tf32);
        }
        finally
        {
            torch.backends.cudnn.allow_tf32 = before;
        }
    }

    [Fact]
    public void OnCpu_AndIn16Bits_NothingIsHeld()
    {
        var before = torch.backends.cudnn.allow_tf32;
        using var cpu = FullPrecisionConvolutions.On(DeviceType.CPU, ScalarType.Float32);
        using var half = FullPrecisionConvolutions.On(DeviceType.CUDA, ScalarType.BFloat16);
        Assert.Equal(before, torch.backends.cudnn.allow_tf32);
    }
}
