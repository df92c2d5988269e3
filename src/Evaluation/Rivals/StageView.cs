using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>What a stage in the decoder sees of a prompt with one image.</summary>
internal sealed class StageView
{
    /// <summary>The decoder.</summary>
    public required TextDecoder Decoder { get; init; }

    /// <summary>Index of the stage.</summary>
    public required int Stage { get; init; }

    /// <summary>The layer that has just run, zero-based.</summary>
    public required int Layer { get; init; }

    /// <summary>Row of the first image token.</summary>
    public required int Start { get; init; }

    /// <summary>Image tokens left.</summary>
    public required int Count { get; init; }

    /// <summary>Image tokens at first.</summary>
    public required int Original { get; init; }

    /// <summary>Position ids of the rows, first dimension.</summary>
    public required long[] Positions { get; init; }

    /// <summary>The decoder's input before anything was dropped, [N, D].</summary>
    public required Tensor Input { get; init; }

    /// <summary>What the layer gave, [L, D].</summary>
    public required Tensor Hidden { get; init; }

    /// <summary>The layer's queries after rotary embedding, [1, H, L, d].</summary>
    public required Tensor Queries { get; init; }

    /// <summary>The layer's keys after rotary embedding, [1, KV, L, d].</summary>
    public required Tensor Keys { get; init; }

    /// <summary>Rows behind the image.</summary>
    public int Text => (int)Hidden.shape[0] - Start - Count;

    /// <summary>Causal softmax attention of some rows to all, [H, rows, L] fp32; the caller disposes it.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="count">How many.</param>
    public Tensor Attention(int first, int count)
    {
        using var scope = NewDisposeScope();
        var q = Queries.narrow(2, first, count).to(ScalarType.Float32);
        var k = Runtime.Layers.Attention.Repeat(Keys.to(ScalarType.Float32), Decoder.Config.Heads);
        var scores = matmul(q, k.transpose(-2, -1)).Times(1 / Math.Sqrt(Decoder.Config.HeadDim));
        var length = scores.shape[3];
        var mask = Runtime.Layers.Attention.CausalMask(length, scores.device).narrow(0, first, count);
        return nn.functional.softmax(scores.Plus(mask), -1).squeeze(0).MoveToOuterDisposeScope();
    }
}
