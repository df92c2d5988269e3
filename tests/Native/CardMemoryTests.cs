using D2Pruner.AI.Runtime.Native;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Native;

/// <summary>What is free on a GPU, of which the driver counts what libtorch keeps of disposed models as taken.</summary>
public sealed class CardMemoryTests
{
    private const long GiB = 1L << 30;
    private long? _driver = 23 * GiB;

    [Fact]
    public void AModelThatHasGone_LeavesItsPlaceToTheNext()
    {
        var card = new CardMemory(() => _driver);
        Assert.Equal(23 * GiB, card.Free());
        var first = card.Hold(14 * GiB);
        _driver = 8 * GiB; // the weights, and 1 GiB of work
        Assert.Equal(8 * GiB, card.Free());
        first.Dispose();
        first.Dispose(); // again: nothing
        Assert.Equal(23 * GiB, card.Free());
        using var second = card.Hold(14 * GiB);
        Assert.Equal(9 * GiB, card.Free());
        _driver = 12 * GiB; // another program has ended
        Assert.Equal(12 * GiB, card.Free());
    }

    [Fact]
    public void ALoadThatFailed_LeavesItsPlaceToo()
    {
        var card = new CardMemory(() => _driver);
        Assert.Equal(23 * GiB, card.Free());
        using (card.Hold(40 * GiB)) _driver = 0;
        Assert.Equal(23 * GiB, card.Free());
    }

    [Fact]
    public void AskedWhileAModelLoads_ItCountsNothingTwice()
    {
        var card = new CardMemory(() => _driver);
        Assert.Equal(23 * GiB, card.Free());
        IDisposable first;
        using (card.Load())
        {
            first = card.Hold(14 * GiB);
            Assert.Equal(23 * GiB, card.Free()); // nothing of it is there yet
        }

        _driver = 8 * GiB;
        Assert.Equal(8 * GiB, card.Free());
        first.Dispose();
        Assert.Equal(23 * GiB, card.Free());
    }

    [Fact]
    public void WhatTheDriverDoesNotTell_IsUnknown()
    {
        var card = new CardMemory(() => null);
        using (card.Hold(GiB)) Assert.Null(card.Free());
        Assert.Null(card.Free());
    }

    [Fact]
    public void KeysAndValues_GetFourFifthsOfIt()
    {
        var device = new torch.Device(DeviceType.CUDA, 0);
        Assert.Equal((long)((DeviceMemory.Free(device) ?? 5 * GiB) * 0.8), DeviceMemory.KvBudget(device));
    }
}
