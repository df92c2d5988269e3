using System.Reflection;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Kernels;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Decoder;

[Collection(TorchCollection.Name)]
public sealed class KvCacheTests
{
    [Fact]
    public void AGrowthThatFailsHalfWay_LeavesKeysAndValuesOfOneSize()
    {
        using var scope = NewDisposeScope();
        using var cache = new KvCache(1, 2);
        Append(cache, 0, 3);
        Append(cache, 0, 2); // full
        var values = (Tensor?[])typeof(KvCache).GetField("_values", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(cache)!;
        var good = values[0];
        var gone = ones([1, 2, 5, 4]);
        gone.Dispose();
        values[0] = gone;
        Assert.ThrowsAny<Exception>(() => Append(cache, 0, 3));
        values[0] = good;

        var rows = ((IKvRows)cache).Reserve(0);
        Assert.Equal(5, rows.Length);
        Assert.InRange(values[0]!.shape[2], rows.Capacity, long.MaxValue);
        var (keys, used) = cache.View(0);
        Assert.Equal((40f, 40f), (keys.sum().item<float>(), used.sum().item<float>()));
    }

    [Fact]
    public void AFork_OfMoreThanALayerHolds_IsRefused()
    {
        using var scope = NewDisposeScope();
        using var cache = new KvCache(2, 8);
        Append(cache, 0, 3);
        Append(cache, 1, 2);
        using (var fork = cache.Fork([3, 2], 1)) Assert.Equal([3, 2], fork.Lengths);
        var e = Assert.Throws<ArgumentException>(() => cache.Fork([3, 3], 1));
        Assert.Contains("Layer 1 holds 2", e.Message);
    }

    [Fact]
    public void AForksRoom_IsForTheAnswer_AndWhatComesOfThePromptOnlyForCopiedLayers()
    {
        const long Token = 2 * 2 * 4 * 4; // keys and values, 2 heads of 4 floats
        using var scope = NewDisposeScope();
        using var cache = new KvCache(2, 8);
        Append(cache, 0, 3);
        using var fork = cache.Fork([3, 0], 1, coming: 10);
        Append(fork, 0, 10);
        Append(fork, 1, 5);
        Assert.Equal((14 + 6) * Token, fork.CapacityBytes);
        fork.Expect(2);
        Append(fork, 1, 1);
        Append(fork, 1, 1);
        Assert.Equal((14 + 7) * Token, fork.CapacityBytes);
    }

    private static void Append(KvCache cache, int layer, int tokens)
    {
        var rows = ones([1, 2, tokens, 4]);
        cache.Append(layer, rows, rows, ScalarType.Float32);
    }
}
