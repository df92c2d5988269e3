using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>Attention over heads; q [1, H, n, d], k and v [1, KV, m, d], scale 1/sqrt(d), result [1, H, n, d] in q's type.</summary>
/// <remarks>On CPU the products run in fp32 whatever the weights' type: libtorch's bf16 kernels are no
/// faster there and lose accuracy.</remarks>
internal static class Attention
{
    // Queries to a mask on a GPU.
    private const long MaskRows = 1024;

    /// <summary>Type in which attention and the KV cache live on a device.</summary>
    public static ScalarType ComputeType(Device device, ScalarType model) =>
        device.type == DeviceType.CPU ? ScalarType.Float32 : model;

    /// <summary>Fused attention for prefill and towers: causal over equally long q and k, or full; no mask is materialised.</summary>
    public static Tensor Fused(Tensor q, Tensor k, Tensor v, bool causal)
    {
        using var scope = NewDisposeScope();
        var type = ComputeType(q.device, q.dtype);
        var heads = q.shape[1];
        var y = nn.functional.scaled_dot_product_attention(
            q.to(type), Repeat(k.to(type), heads), Repeat(v.to(type), heads), is_casual: causal);
        return y.to(q.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Causal attention of the last n of m positions: each sees the m - n before all of them, those of
    /// its own before it, and itself.</summary>
    /// <param name="q">[1, H, n, d].</param>
    /// <param name="k">[1, KV, m, d], m at least n.</param>
    /// <param name="v">[1, KV, m, d].</param>
    public static Tensor Suffix(Tensor q, Tensor k, Tensor v)
    {
        var (n, m) = (q.shape[2], k.shape[2]);
        if (n == m) return Fused(q, k, v, causal: true);
        if (n == 1) return Decode(q, k, v);
        // On CPU the cut would change an answer's last bits.
        return SuffixInBlocks(q, k, v, q.device.type == DeviceType.CPU ? n : MaskRows);
    }

    /// <summary><see cref="Suffix"/> with a mask for every so many queries, so that masks stay small however long the prompt is.</summary>
    /// <param name="q">[1, H, n, d].</param>
    /// <param name="k">[1, KV, m, d], m at least n.</param>
    /// <param name="v">[1, KV, m, d].</param>
    /// <param name="rows">Queries to a mask, at least 1.</param>
    internal static Tensor SuffixInBlocks(Tensor q, Tensor k, Tensor v, long rows)
    {
        using var scope = NewDisposeScope();
        var (heads, n, m) = (q.shape[1], q.shape[2], k.shape[2]);
        (k, v) = (Repeat(k, heads), Repeat(v, heads)); // once for all blocks
        var blocks = new Tensor[(n + rows - 1) / rows];
        for (var i = 0; i < blocks.Length; i++)
        {
            var count = Math.Min(rows, n - i * rows);
            var seen = m - n + i * rows + count;
            blocks[i] = Block(q.narrow(2, i * rows, count), k.narrow(2, 0, seen), v.narrow(2, 0, seen));
        }

        return (blocks.Length == 1 ? blocks[0] : cat(blocks, 2)).MoveToOuterDisposeScope();
    }

    // The last queries of all that is seen; their mask goes before the next one is made.
    private static Tensor Block(Tensor q, Tensor k, Tensor v)
    {
        using var scope = NewDisposeScope();
        var (n, m, type) = (q.shape[2], k.shape[2], ComputeType(q.device, q.dtype));
        var mask = cat([zeros([n, m - n], type, q.device), CausalMask(n, q.device).to(type)], 1);
        return Masked(q, k, v, mask).MoveToOuterDisposeScope();
    }

    /// <summary>Fused attention under a mask of its own.</summary>
    /// <param name="q">[1, H, n, d].</param>
    /// <param name="k">[1, KV, m, d].</param>
    /// <param name="v">[1, KV, m, d].</param>
    /// <param name="mask">[n, m], added to the scores.</param>
    public static Tensor Masked(Tensor q, Tensor k, Tensor v, Tensor mask)
    {
        using var scope = NewDisposeScope();
        var type = ComputeType(q.device, q.dtype);
        var heads = q.shape[1];
        var y = nn.functional.scaled_dot_product_attention(
            q.to(type), Repeat(k.to(type), heads), Repeat(v.to(type), heads), attn_mask: mask.to(type));
        return y.to(q.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Attention of one query position over a cache: the query heads of a group become rows, so keys
    /// and values are never repeated.</summary>
    public static Tensor Decode(Tensor q, Tensor k, Tensor v)
    {
        using var scope = NewDisposeScope();
        var (heads, d, kvHeads) = (q.shape[1], q.shape[3], k.shape[1]);
        var grouped = q.to(k.dtype).reshape(1, kvHeads, heads / kvHeads, d);
        var y = nn.functional.scaled_dot_product_attention(grouped, k, v);
        return y.reshape(1, heads, 1, d).to(q.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Explicit attention with an additive mask: the training kernel (flash backward is slow on CPU for small heads).</summary>
    /// <param name="q">[B, H, n, d].</param>
    /// <param name="k">[B, KV, m, d].</param>
    /// <param name="v">[B, KV, m, d].</param>
    /// <param name="mask">Broadcastable to [B, H, n, m], added to the scores; null for none.</param>
    public static Tensor Explicit(Tensor q, Tensor k, Tensor v, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        var heads = q.shape[1];
        var scale = 1 / Math.Sqrt(q.shape[3]);
        var (given, type) = (q.dtype, BFloat16Products.TypeFor(q));
        (q, k, v) = (q.to(type), k.to(type), v.to(type));
        var scores = matmul(q.Times(scale).contiguous(), Repeat(k, heads).transpose(-2, -1));
        if (mask is not null) scores = scores.Plus(mask);
        // libtorch's softmax accumulates in fp32 whatever its input's type.
        var p = nn.functional.softmax(scores, -1).to(type);
        return matmul(p, Repeat(v, heads).contiguous()).to(given).MoveToOuterDisposeScope();
    }

    /// <summary>An additive causal mask, [n, n] fp32: 0 at and below the diagonal, -inf above. For training and tests only.</summary>
    public static Tensor CausalMask(long n, Device device) =>
        HeldScalars.Filled([n, n], float.NegativeInfinity, device).triu_(1);

    /// <summary>The last query's softmax row over all keys in fp32, mean over query heads (specification
    /// step 1): O(N d), no full map.</summary>
    /// <param name="lastQuery">[1, H, 1, d] after rotary embedding.</param>
    /// <param name="k">[1, KV, N, d].</param>
    /// <returns>[N] fp32.</returns>
    public static Tensor LastRow(Tensor lastQuery, Tensor k)
    {
        using var scope = NewDisposeScope();
        var (heads, d, kvHeads) = (lastQuery.shape[1], lastQuery.shape[3], k.shape[1]);
        var q = lastQuery.to(ScalarType.Float32).reshape(1, kvHeads, heads / kvHeads, d);
        var scores = matmul(q, k.to(ScalarType.Float32).transpose(-2, -1)).Times(1 / Math.Sqrt(d));
        return nn.functional.softmax(scores, -1).reshape(heads, -1).mean([0]).MoveToOuterDisposeScope();
    }

    /// <summary>Repeats KV heads to the number of query heads, each consecutively.</summary>
    public static Tensor Repeat(Tensor kv, long heads)
    {
        var (b, g, n, d) = (kv.shape[0], kv.shape[1], kv.shape[2], kv.shape[3]);
        return g == heads ? kv : kv.unsqueeze(2).expand(b, g, heads / g, n, d).reshape(b, heads, n, d);
    }

    /// <summary>[B, n, H*d] to [B, H, n, d].</summary>
    public static Tensor SplitHeads(Tensor x, long heads)
    {
        using var scope = NewDisposeScope();
        return x.reshape(x.shape[0], x.shape[1], heads, x.shape[2] / heads).transpose(1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>[B, H, n, d] to [B, n, H*d].</summary>
    public static Tensor MergeHeads(Tensor x)
    {
        using var scope = NewDisposeScope();
        return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1).MoveToOuterDisposeScope();
    }
}
