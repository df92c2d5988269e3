using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>Equally long segments (question and answer, padded) of one picture.</summary>
/// <param name="Picture">Which picture they ask about.</param>
/// <param name="Start">First row in the packed sequence.</param>
/// <param name="Count">Segments.</param>
/// <param name="Length">Rows of each.</param>
/// <param name="Answers">Rows, from the block's start, that predict an answer token.</param>
internal sealed record PackedBlock(int Picture, int Start, int Count, int Length, long[] Answers);

/// <summary>
/// Attention over a packed sequence: the pictures (each with the prompt's prefix) first, then the blocks. A picture attends to itself
/// causally; a segment sees its whole picture and its own past: just what each question would see in a prompt of its own.
/// </summary>
/// <param name="pictures">Pictures.</param>
/// <param name="pictureLength">Rows of each, prefix included.</param>
/// <param name="blocks">The text.</param>
internal sealed class PackedPrompt(int pictures, int pictureLength, IReadOnlyList<PackedBlock> blocks)
{
    // Row blocks of the causal part: what lies above the diagonal is mostly skipped.
    private const int CausalParts = 4;
    private const int Captured = 3;

    /// <summary>The kernel of a layer.</summary>
    /// <param name="q">[1, H, n, d].</param>
    /// <param name="k">[1, H, n, d].</param>
    /// <param name="v">[1, H, n, d].</param>
    /// <param name="capture">Gets, for heads 0 to 2, the attention of the answer rows to their picture, [rows, pictureLength] each, to be
    /// disposed by the caller; null for none.</param>
    public Tensor Attend(Tensor q, Tensor k, Tensor v, List<Tensor>? capture)
    {
        using var scope = NewDisposeScope();
        var d = q.shape[3];
        var (heads, n) = (q.shape[1], q.shape[2]);
        var (given, type) = (q.dtype, BFloat16Products.TypeFor(q));
        q = q.Times(1 / Math.Sqrt(d)).to(type).contiguous().view(heads, n, d);
        k = k.to(type).contiguous().view(heads, n, d);
        v = v.to(type).contiguous().view(heads, n, d);
        var output = new List<Tensor>();
        var mask = Causal(pictureLength, q.dtype);
        for (var b = 0; b < pictures; b++)
        {
            for (var part = 0; part < CausalParts; part++)
            {
                var (from, to) = (pictureLength * part / CausalParts, pictureLength * (part + 1) / CausalParts);
                var at = b * pictureLength;
                var scores = matmul(q.narrow(1, at + from, to - from), k.narrow(1, at, to).transpose(1, 2))
                    .Plus(mask.narrow(0, from, to - from).narrow(1, 0, to));
                output.Add(matmul(nn.functional.softmax(scores, -1), v.narrow(1, at, to)));
            }
        }

        var own = new Dictionary<int, Tensor>();
        var captured = new List<Tensor[]>();
        foreach (var block in blocks)
        {
            var (rows, length) = (block.Count * block.Length, block.Length);
            if (!own.TryGetValue(length, out var blockMask)) own[length] = blockMask = Causal(length, q.dtype);
            var (bq, bk, bv) = (q.narrow(1, block.Start, rows), k.narrow(1, block.Start, rows), v.narrow(1, block.Start, rows));
            var pk = k.narrow(1, block.Picture * pictureLength, pictureLength);
            var pv = v.narrow(1, block.Picture * pictureLength, pictureLength);
            var self = matmul(Split(bq), Split(bk).transpose(2, 3)).Plus(blockMask);
            var scores = cat([matmul(bq, pk.transpose(1, 2)), self.reshape(heads, rows, length)], 2);
            var p = nn.functional.softmax(scores, -1);
            var seen = p.narrow(2, 0, pictureLength);
            var past = matmul(p.narrow(2, pictureLength, length).reshape(heads, block.Count, length, length), Split(bv));
            output.Add(matmul(seen, pv).Plus(past.reshape(heads, rows, d)));
            if (capture is null) continue;
            var index = tensor(block.Answers);
            captured.Add([.. Enumerable.Range(0, Captured).Select(h => seen[h].index_select(0, index))]);

            Tensor Split(Tensor t) => t.reshape(heads, block.Count, length, d);
        }

        // They outlive every scope of the layer; whoever asked for them disposes them.
        for (var h = 0; capture is not null && h < Captured; h++)
            capture.Add(cat([.. captured.Select(c => c[h])], 0).to(given).DetachFromDisposeScope());
        return cat(output, 1).unsqueeze(0).to(given).MoveToOuterDisposeScope();
    }

    private static Tensor Causal(long n, ScalarType type) => Attention.CausalMask(n, CPU).to(type);
}
