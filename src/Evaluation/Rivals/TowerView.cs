using D2Pruner.AI.Pruning;
using D2Pruner.AI.Pruning.Baselines;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Models.LlavaNext;
using D2Pruner.AI.Runtime.Prompts;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>
/// One image in a CLIP tower as the rivals look at it: queries, keys and states of its blocks, on the host. "Layer 22 of 24" of their
/// texts is the block whose output the model reads; "layer 23" is the tower's last one. Runs the tower when first asked.
/// </summary>
internal sealed class TowerView
{
    private readonly LlavaVisionTower _tower;
    private readonly Action? _atBorder;
    private readonly Dictionary<int, (RowMatrix[][] Queries, RowMatrix[][] Keys)> _blocks = []; // block -> [view][head]
    private readonly Dictionary<int, RowMatrix> _projected = [];
    private RowMatrix[]? _features;

    private TowerView(LlavaVisionTower tower, Tensor? newline, ProcessedImage image, Action? atBorder)
    {
        (_tower, Newline, Image, _atBorder) = (tower, newline, image, atBorder);
        var layers = tower.Config.Vision.Layers;
        Read = tower.Config.FeatureLayers.Max(l => l < 0 ? layers + 1 + l : l) - 1;
        Last = layers - 1;
    }

    /// <summary>The image.</summary>
    public ProcessedImage Image { get; }

    /// <summary>The row behind every row of the mosaic, [D]; null without tiles.</summary>
    public Tensor? Newline { get; }

    /// <summary>The block whose output the model reads (the deepest of them), zero-based.</summary>
    public int Read { get; }

    /// <summary>The last block, zero-based.</summary>
    public int Last { get; }

    /// <summary>Heads of a block.</summary>
    public int Heads => _tower.Config.Vision.Heads;

    /// <summary>Views: the image, and its tiles.</summary>
    public int Views => Image.PixelShape[0];

    /// <summary>Patches of a view.</summary>
    public int Patches => _tower.Config.Vision.Patches;

    /// <summary>The tiles; null where the image is one view.</summary>
    public TileGrid? Grid => Image.BestResolution is { } best
        ? new TileGrid(best.Height / Image.PixelShape[2], best.Width / Image.PixelShape[2], _tower.Config.Vision.Side) : null;

    /// <summary>The CLIP tower of a model and its newline; null where it has another tower.</summary>
    public static (LlavaVisionTower Tower, Tensor? Newline)? TowerOf(VisionLanguageModel model) => model.Vision switch
    {
        LlavaVisionTower tower => (tower, null),
        LlavaNextVisionTower tiled => (tiled.Tiles, tiled.Newline),
        _ => null,
    };

    /// <summary>Looks at an image; null where the model has no CLIP tower.</summary>
    /// <param name="model">The model.</param>
    /// <param name="image">The processed image.</param>
    /// <param name="atBorder">Called between blocks.</param>
    public static TowerView? Of(VisionLanguageModel model, ProcessedImage image, Action? atBorder = null) =>
        TowerOf(model) is { } found ? new TowerView(found.Tower, found.Newline, image, atBorder) : null;

    /// <summary>Softmax attention of a view's CLS row in a block, [heads, 1 + N].</summary>
    public RowMatrix Cls(int view, int block)
    {
        Run();
        var (queries, keys) = (_blocks[block].Queries[view], _blocks[block].Keys[view]);
        var rows = queries.Select((q, h) => RivalMath.Softmax(Scores(q, keys[h]), keys[h].Count)).ToArray();
        return new RowMatrix([.. rows.SelectMany(r => r.Select(v => (float)v))], rows.Length, rows[0].Length);
    }

    /// <summary>The CLS row's attention to a view's patches in a block, mean over heads, [N].</summary>
    public double[] Attention(int view, int block) => RivalMath.MeanOfHeads(Cls(view, block), 1);

    /// <summary>The CLS row's scores before softmax in a block, mean over heads, patches only, [N].</summary>
    public double[] ClsScores(int view, int block)
    {
        Run();
        var (queries, keys) = (_blocks[block].Queries[view], _blocks[block].Keys[view]);
        var mean = new double[Patches];
        for (var h = 0; h < Heads; h++)
        {
            var scores = Scores(queries[h], keys[h]);
            for (var i = 0; i < mean.Length; i++) mean[i] += scores[i + 1] / Heads;
        }

        return mean;
    }

    /// <summary>Keys of a view in a block with their heads side by side, CLS row first, [1 + N, heads * d].</summary>
    public RowMatrix Keys(int view, int block)
    {
        Run();
        return SideBySide(_blocks[block].Keys[view]);
    }

    /// <summary>The CLS row's query of a view in a block with its heads side by side, [heads * d].</summary>
    public float[] ClsQuery(int view, int block)
    {
        Run();
        return SideBySide(_blocks[block].Queries[view]).Values;
    }

    /// <summary>What the model reads of a view, before the projector, CLS row first, [1 + N, W].</summary>
    public RowMatrix Features(int view)
    {
        Run();
        return _features![view];
    }

    /// <summary>A view's patches behind the projector, [N, D].</summary>
    public RowMatrix Projected(int view)
    {
        if (_projected.TryGetValue(view, out var known)) return known;
        using var projected = Project(Features(view).Slice(1, Patches));
        return _projected[view] = Matrices.Of(projected);
    }

    /// <summary>The tower with something done between every block's attention and MLP.</summary>
    /// <param name="attend">The attention.</param>
    /// <param name="merge">What is done.</param>
    /// <returns>What the model reads, [1, tokens, W]; the caller disposes it.</returns>
    public Tensor Forward(Runtime.Decoder.AttentionKernel attend, Func<Tensor, Tensor> merge)
    {
        using var scope = NewDisposeScope();
        var states = _tower.Clip.Forward(_tower.Pixels([Image]), _tower.Config.FeatureLayers, null, _atBorder, attend, merge: merge);
        return (states.Length == 1 ? states[0] : cat(states, -1)).MoveToOuterDisposeScope();
    }

    /// <summary>The projector over rows, [m, D]; the caller disposes it.</summary>
    public Tensor Project(RowMatrix rows)
    {
        using var scope = NewDisposeScope();
        return _tower.Project(tensor(rows.Values, [rows.Count, rows.Width]).MovedTo(_tower.Clip.Device, _tower.Clip.DType))
            .MoveToOuterDisposeScope();
    }

    private void Run()
    {
        if (_features is not null) return;
        using var scope = NewDisposeScope();
        var block = 0;
        var layers = _tower.Config.FeatureLayers;
        var states = _tower.Clip.Forward(_tower.Pixels([Image]), [.. layers, _tower.Config.Vision.Layers], null, _atBorder, (q, k, v) =>
        {
            if (block == 0 || block == Read || block == Last)
            {
                using var cls = q.narrow(2, 0, 1);
                _blocks[block] = (PerHead(cls), PerHead(k));
            }

            block++;
            return Runtime.Layers.Attention.Fused(q, k, v, causal: false);
        });
        var read = layers.Length == 1 ? states[0] : cat([.. states.Take(layers.Length)], -1);
        _features = [.. Enumerable.Range(0, Views).Select(v => Matrices.Of(read.select(0, v)))];
    }

    // [views, heads, n, d] as matrices.
    private static RowMatrix[][] PerHead(Tensor t) =>
        [.. Enumerable.Range(0, (int)t.shape[0]).Select(v => Matrices.PerHead(t.narrow(0, v, 1)))];

    private static double[] Scores(RowMatrix query, RowMatrix keys)
    {
        var scale = 1 / Math.Sqrt(keys.Width);
        return [.. Enumerable.Range(0, keys.Count).Select(i => RivalMath.Dot(query[0], keys[i]) * scale)];
    }

    private static RowMatrix SideBySide(RowMatrix[] heads)
    {
        var (count, width) = (heads[0].Count, heads[0].Width);
        var values = new float[count * width * heads.Length];
        for (var i = 0; i < count; i++)
        {
            for (var h = 0; h < heads.Length; h++) heads[h][i].CopyTo(values.AsSpan((i * heads.Length + h) * width));
        }

        return new RowMatrix(values, count, width * heads.Length);
    }
}
