using D2Pruner.AI.Pruning;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Pruning;

/// <summary>The process's TF32 switch, held by two engines at once.</summary>
[Collection(TorchCollection.Name)]
public sealed class FullPrecisionProductsTests
{
    [Fact]
    public void TheSwitch_ComesBack_WhenTheLastHolderIsDone()
    {
        var before = torch.backends.cuda.matmul.allow_tf32;
        torch.backends.cuda.matmul.allow_tf32 = true;
        try
        {
            var first = FullPrecisionProducts.On(DeviceType.CUDA);
            var second = FullPrecisionProducts.On(DeviceType.CUDA);
            Assert.False(torch.backends.cuda.matmul.allow_tf32);
            first.Dispose();
            Assert.False(torch.backends.cuda.matmul.allow_tf32); // the other still computes
            second.Dispose();
            Assert.True(torch.backends.cuda.matmul.allow_tf32);
        }
        finally
        {
            torch.backends.cuda.matmul.allow_tf32 = before;
        }
    }
}
