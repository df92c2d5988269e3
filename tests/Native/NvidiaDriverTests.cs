using D2Pruner.AI.Runtime.Native;
using Xunit;

namespace D2Pruner.AI.Tests.Native;

/// <summary>NVML counts cards by their places, CUDA the fastest first.</summary>
public sealed class NvidiaDriverTests
{
    private static readonly NvidiaDevice Small = new(0, "T4", 16, 15);
    private static readonly NvidiaDevice Large = new(1, "H200", 141, 140);

    [Fact]
    public void UnequalCards_AreToldApartOnlyInTheDriversOrder()
    {
        Assert.Null(NvidiaDriver.FreeBytes([Small, Large], 0, null, null));
        Assert.Null(NvidiaDriver.FreeBytes([Small, Large], 0, "FASTEST_FIRST", "1"));
        Assert.Equal(15L, NvidiaDriver.FreeBytes([Small, Large], 0, "PCI_BUS_ID", null));
        Assert.Equal(140L, NvidiaDriver.FreeBytes([Small, Large], 0, "PCI_BUS_ID", "1,0"));
    }

    [Fact]
    public void EqualCards_AndOne_AreKnownWithoutASetting()
    {
        var other = Small with { Index = 1, FreeBytes = 7 };
        Assert.Equal(15L, NvidiaDriver.FreeBytes([Small], 0, null, null));
        Assert.Equal(7L, NvidiaDriver.FreeBytes([Small, other], 1, null, null));
        Assert.Equal(7L, NvidiaDriver.FreeBytes([Small, other], 0, null, "1"));
        Assert.Null(NvidiaDriver.FreeBytes([Small, other], 1, null, "1"));
        Assert.Null(NvidiaDriver.FreeBytes([], 0, null, null));
    }
}
