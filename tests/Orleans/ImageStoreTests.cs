using D2Pruner.AI.Orleans;
using D2Pruner.AI.Orleans.Wire;
using D2Pruner.AI.Orleans.Workers;
using Microsoft.Extensions.Options;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>Images by the hash of their bytes.</summary>
public sealed class ImageStoreTests
{
    [Fact]
    public void TheOnesLongestUnused_Go()
    {
        var store = new ImageStore(Options.Create(new D2PrunerWorkerOptions { ImageCacheBytes = 250 }));
        byte[][] images = [new byte[100], [.. Enumerable.Repeat((byte)1, 100)], [.. Enumerable.Repeat((byte)2, 100)]];
        string[] hashes = [.. images.Select(i => ImageHash.Of(i))];
        Send(0);
        Send(1);
        Assert.Empty(Missing(0));
        Send(2);
        Assert.Empty(Missing(0));
        Assert.Equal([hashes[1]], Missing(1));
        Assert.Empty(Missing(2));
        Assert.Equal(3, store.Received);
        void Send(int i) => store.Resolve(new AnswerRequest("", [hashes[i]], [images[i]], 0), out _);
        List<string> Missing(int i)
        {
            store.Resolve(new AnswerRequest("", [hashes[i]], [], 0), out var missing);
            return missing;
        }
    }

    [Fact]
    public void AnImageLargerThanTheCache_ServesItsRequest()
    {
        var store = new ImageStore(Options.Create(new D2PrunerWorkerOptions { ImageCacheBytes = 0 }));
        var image = new byte[10];
        var found = store.Resolve(new AnswerRequest("", [ImageHash.Of(image)], [image], 0), out var missing);
        Assert.Empty(missing);
        Assert.Equal(10, Assert.Single(found).Value.Length);
    }

    [Fact]
    public void BytesOfAnotherHash_AreRefused()
    {
        var store = new ImageStore(Options.Create(new D2PrunerWorkerOptions()));
        var wrong = Assert.Throws<ArgumentException>(
            () => store.Resolve(new AnswerRequest("", [ImageHash.Of([1])], [[2]], 0), out _));
        Assert.Contains(ImageHash.Of([1]), wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheLastImages_AreTold()
    {
        var recent = new RecentImages(2);
        recent.Add(1);
        recent.Add(2);
        recent.Add(1);
        recent.Add(3);
        Assert.Equal([3UL, 1], recent.ToArray());
    }
}
