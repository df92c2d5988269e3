using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Layers;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Layers;

/// <summary>Values that go from the host to a device.</summary>
[Collection(TorchCollection.Name)]
public sealed class HostTensorsTests
{
    [Fact]
    public void Moved_TheValuesStay_AndTheHostsTensorGoes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = Tensor.TotalCount;
        using (var same = tensor(new long[] { 3, 5 }).MovedTo(CPU))
        {
            Assert.Equal(new long[] { 3, 5 }, same.data<long>().ToArray());
            Assert.Equal(before + 1, Tensor.TotalCount);
        }

        using (var other = tensor(new[] { 1.5f, -2f }, [2, 1]).MovedTo(CPU, ScalarType.BFloat16))
        {
            Assert.Equal((ScalarType.BFloat16, 2L), (other.dtype, other.NumberOfElements));
            Assert.Equal(before + 1, Tensor.TotalCount);
        }
    }
}
