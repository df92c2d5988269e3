using D2Pruner.AI.Evaluation.Rivals;
using D2Pruner.AI.Pruning.Baselines;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>What the tower computes of an image, by whole attention maps: a plain second way to the signals of rivals.</summary>
internal sealed class TowerSignals
{
    private readonly List<(Tensor Queries, Tensor Keys)> _blocks = [];
    private readonly Tensor _features;
    private readonly int _heads;

    public TowerSignals(TinyQuestion question)
    {
        var tower = TowerView.TowerOf(question.Model)!.Value.Tower;
        var vision = tower.Config.Vision;
        (_heads, Read) = (vision.Heads, tower.Config.FeatureLayers.Max(l => l < 0 ? vision.Layers + l : l - 1));
        _features = tower.Clip.Forward(tower.Pixels([question.Image]), [Read + 1, vision.Layers], null, null, (q, k, v) =>
        {
            _blocks.Add((q.clone().DetachFromDisposeScope(), k.clone().DetachFromDisposeScope()));
            return Attention.Explicit(q, k, v, null);
        })[0];
    }

    public int Read { get; }

    public int Last => _blocks.Count - 1;

    public RowMatrix Cls(int view, int block)
    {
        var (q, k) = _blocks[block];
        var all = nn.functional.softmax(Scores(q, k), -1);
        return Matrices.Of(all.select(0, view).select(1, 0));
    }

    public double[] ClsScores(int view)
    {
        var (q, k) = _blocks[Last];
        return [.. Scores(q, k).select(0, view).select(1, 0).mean([0]).data<float>().Skip(1).Select(v => (double)v)];
    }

    public RowMatrix Keys(int view, int block) => Matrices.Of(Attention.MergeHeads(_blocks[block].Keys).select(0, view));

    public float[] ClsQuery(int view, int block) =>
        [.. Attention.MergeHeads(_blocks[block].Queries).select(0, view).select(0, 0).data<float>()];

    public RowMatrix Features(int view) => Matrices.Of(_features.select(0, view));

    public int Heads => _heads;

    private static Tensor Scores(Tensor q, Tensor k) => matmul(q, k.transpose(-2, -1)).Times(1 / Math.Sqrt(q.shape[3]));
}
