using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Layers;

[Collection(TorchCollection.Name)]
public sealed class AttentionTests
{
    /// <summary>On a GPU a long prompt behind a known beginning is read in blocks of queries.</summary>
    [Theory]
    [InlineData(7, 12, 3)]
    [InlineData(8, 9, 4)]
    [InlineData(5, 50, 64)]
    public void ASuffixInBlocks_SeesWhatItSeesUnderOneMask(int n, int m, int rows)
    {
        using var scope = NewDisposeScope();
        using var none = no_grad();
        var (q, k, v) = (randn([1, 4, n, 8]), randn([1, 2, m, 8]), randn([1, 2, m, 8]));
        var mask = Attention.CausalMask(m, CPU).narrow(0, m - n, n);
        var expected = Attention.Explicit(q, k, v, mask).contiguous().data<float>().ToArray();
        var blocks = Attention.SuffixInBlocks(q, k, v, rows).contiguous().data<float>().ToArray();
        var whole = Attention.Suffix(q, k, v).contiguous().data<float>().ToArray();
        Assert.All(expected.Zip(blocks), p => Assert.Equal(p.First, p.Second, 1e-5));
        Assert.All(expected.Zip(whole), p => Assert.Equal(p.First, p.Second, 1e-5));
    }
}
