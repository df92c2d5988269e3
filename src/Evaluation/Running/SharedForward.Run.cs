using System.Diagnostics;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Evaluation.Running;

internal sealed partial class SharedForward
{
    // One condition's way from its first pruning on.
    private sealed class Run
    {
        private readonly SharedForward _owner;
        private readonly IVisualTokenPruner? _pruner;
        private readonly IReadOnlyList<int[]> _budgets;
        private readonly PositionalBiasPrior? _prior;
        private readonly bool _evict;
        private readonly int _first;
        private readonly Stopwatch _pruning = new();
        private readonly int[] _visual;
        private PromptReductionState _state;
        private Tensor _x;
        private Tensor _cos;
        private Tensor _sin;

        public Run(SharedForward owner, IVisualTokenPruner? pruner, IReadOnlyList<int[]> budgets, PositionalBiasPrior? prior,
            bool evict, int first)
        {
            (_owner, _pruner, _budgets, _prior, _evict, _first) = (owner, pruner, budgets, prior, evict, first);
            _state = PromptReductionState.Start(owner._prompt.Length, owner._prompt.Layouts);
            (_x, _cos, _sin) = (owner._inputs[first], owner._cos, owner._sin);
            Caches = new (Tensor, Tensor)[owner.Decoder.Config.Layers];
            _visual = new int[Caches.Length];
            for (var i = 0; i < first; i++) Caches[i] = (owner._layers[i].K, owner._layers[i].V);
            Array.Fill(_visual, Visual(), 0, first);
        }

        public (Tensor K, Tensor V)[] Caches { get; }

        public IReadOnlyList<int> VisualTokens => _visual;

        public IReadOnlyList<ImageReduction> Images { get; private set; } = [];

        public int PositionShift => _state.PositionShift;

        public TimeSpan PruneTime => _pruning.Elapsed;

        public long CacheTokens => Caches.Sum(c => c.K.shape[2]);

        /// <summary>All that decides what comes after the first pruning; null where later stages do too, or tokens were merged.</summary>
        public string? Choice { get; private set; }

        /// <summary>The first pruning.</summary>
        public void Begin()
        {
            if (_first == 0) Prune(p => p.Kind is PruningPointKind.VisionOutput or PruningPointKind.DecoderInput, null);
            else Prune(p => p.Kind == PruningPointKind.AfterLayer && p.Layer == _first - 1, _owner._layers[_first - 1].Row);
        }

        /// <summary>The other layers, and the logits.</summary>
        public Tensor Prefill()
        {
            var decoder = _owner.Decoder;
            for (var i = _first; i < Caches.Length; i++)
            {
                _owner._cancellationToken.ThrowIfCancellationRequested();
                _visual[i] = Visual();
                (_x, var k, var v, var row) = _owner.Layer(_x, i, _cos, _sin, wantsRow: NeedsRow(i));
                Caches[i] = (k, v);
                Prune(p => p.Kind == PruningPointKind.AfterLayer && p.Layer == i, row);
            }

            return decoder.Head(decoder.FinalNorm(_x.narrow(1, _x.shape[1] - 1, 1)));
        }

        private int Visual() => Enumerable.Range(0, _state.Layouts.Count).Sum(i => _state.Remaining[i]?.Length ?? _state.Layouts[i].Count);

        private bool NeedsRow(int layer) =>
            _pruner?.Schedule.Any(s => s.Point.Kind == PruningPointKind.AfterLayer && s.Point.Layer == layer
                && s.Signals.HasFlag(PruningSignals.LastRowAttention)) == true;

        private void Prune(Func<PruningPoint, bool> at, float[]? row)
        {
            if (_pruner is null || _owner._vision.Count == 0) return;
            for (var s = 0; s < _pruner.Schedule.Count; s++)
            {
                if (!at(_pruner.Schedule[s].Point)) continue;
                _owner.Synchronize(); // the layers before are not pruning time
                _pruning.Start();
                var stage = _pruner.Schedule[s];
                var step = PromptReduction.Run(_pruner, s, _state, c => Context(stage, c, row), _budgets[s], _owner._cancellationToken);
                Images = step.Images;
                if (!step.KeepsEverything) Gather(step, stage.Point);
                _state = step.State;
                _pruning.Stop();
                if (_pruner.Schedule.Count == 1 && step.MergeWeights is not { Count: > 0 })
                    Choice = $"{_first} {_evict} {PositionShift}: {string.Join(' ', step.Rows)}: {string.Join(' ', _state.Positions)}";
            }
        }

        private PruningContext Context(PruningStage stage, ImageCandidates c, float[]? row)
        {
            var signals = stage.Signals;
            var rows = _owner.Index(c.Rows);
            var text = signals.HasFlag(PruningSignals.TextRows) ? _owner.Index(TextRows()) : null;
            var hidden = _x.squeeze(0);
            var normed = signals.HasFlag(PruningSignals.FinalNormedFeatures) ? _owner.Decoder.FinalNorm(_x).squeeze(0) : null;
            var keys = signals.HasFlag(PruningSignals.Keys)
                ? Attention.MergeHeads(Attention.Repeat(Caches[stage.Point.Layer].K, _owner.Decoder.Config.Heads)).squeeze(0) : null;
            var wantsHidden = signals.HasFlag(PruningSignals.HiddenStates);
            return new PruningContext
            {
                Layout = c.Layout,
                Budget = c.Budget,
                StageIndex = c.StageIndex,
                Remaining = c.Remaining,
                Attention = row is not null && signals.HasFlag(PruningSignals.LastRowAttention)
                ? Array.ConvertAll(c.Rows, r => row[r]) : null,
                Prior = Left(_prior?.ForLayout(stage.Point.Layer + 1, c.Layout), c.Remaining),
                HiddenStates = wantsHidden ? hidden.index_select(0, rows) : null,
                Keys = keys?.index_select(0, rows),
                FinalNormed = normed?.index_select(0, rows),
                TextHiddenStates = wantsHidden && text is not null ? hidden.index_select(0, text) : null,
                TextKeys = text is not null ? keys?.index_select(0, text) : null,
                TextFinalNormed = text is not null ? normed?.index_select(0, text) : null,
                VisionClsAttention = signals.HasFlag(PruningSignals.VisionClsAttention)
                ? Left(_owner._vision[c.Image].ClsAttention, c.Remaining) : null,
                CancellationToken = _owner._cancellationToken,
            };
        }

        private static float[]? Left(float[]? values, int[]? remaining) => values is null || remaining is null ? values
            : Array.ConvertAll(remaining, r => values[r]);

        private int[] TextRows()
        {
            var first = _owner._prompt.VisualPositions.Min(v => v[0]);
            var separators = _owner._prompt.Layouts.SelectMany(l => l.Separators).ToHashSet();
            return [.. _state.OtherRows().Where(r => _state.PromptPositions[r] > first && !separators.Contains(_state.PromptPositions[r]))];
        }

        private void Gather(PromptReductionStep step, PruningPoint point)
        {
            var index = _owner.Index(step.Rows);
            var x = _x.index_select(1, index);
            if (step.MergeWeights is { Count: > 0 } merges) x = Fold(x, merges);
            _x = x;
            var positions = _owner.Index(step.State.Positions);
            (_cos, _sin) = (_owner._cos.index_select(0, positions), _owner._sin.index_select(0, positions));
            if (!_evict) return;
            for (var i = 0; i <= point.Layer; i++) Caches[i] = (Caches[i].K.index_select(2, index), Caches[i].V.index_select(2, index));
        }

        private Tensor Fold(Tensor gathered, IReadOnlyList<MergeWeight> merges)
        {
            using var scope = NewDisposeScope();
            var outputs = _owner.Index([.. merges.Select(m => m.Output)]);
            var weights = tensor(merges.Select(m => m.Weight).ToArray()).MovedTo(_x.device).unsqueeze(1);
            var sources = _x.squeeze(0).index_select(0, _owner.Index([.. merges.Select(m => m.Source)])).to(ScalarType.Float32) * weights;
            using Scalar zero = 0, one = 1; // held while libtorch reads them
            return gathered.squeeze(0).to(ScalarType.Float32).index_fill(0, outputs, zero).index_add(0, outputs, sources, one).to(_x.dtype)
            .unsqueeze(0).MoveToOuterDisposeScope();
        }
    }
}
