using D2Pruner.AI.Runtime.Prompts;
using System.Diagnostics;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Layers;
using D2Pruner.AI.Runtime.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>How a prompt is read.</summary>
public sealed record PrefillOptions
{
    /// <summary>The pruner; null prunes nothing.</summary>
    public IVisualTokenPruner? Pruner { get; init; }

    /// <summary>Per stage of the pruner's schedule: n per image.</summary>
    public IReadOnlyList<int[]> Budgets { get; init; } = [];

    /// <summary>The prior; null is uniform.</summary>
    public PositionalBiasPrior? Prior { get; init; }

    /// <summary>Evict dropped tokens from the layers before the prune point too.</summary>
    public bool EvictEarlyKv { get; init; } = true;

    /// <summary>Tokens to leave room for in the cache.</summary>
    public int Room { get; init; } = 256;

    /// <summary>Records intermediate results.</summary>
    public ForwardTrace? Trace { get; init; }

    /// <summary>Gather and compact even when a stage keeps everything (to test that this changes nothing).</summary>
    internal bool ForceGather { get; init; }
}

/// <summary>A prompt that has been read.</summary>
public sealed class PrefillOutput : IDisposable
{
    internal PrefillOutput(KvCache cache, float[] logits, PromptReductionState state) => (Cache, Logits, State) = (cache, logits, state);

    /// <summary>Keys and values; the caller goes on with them.</summary>
    public KvCache Cache { get; }

    /// <summary>Logits of the last prompt token, [vocabulary] fp32; empty when the trace stopped early.</summary>
    public float[] Logits { get; }

    /// <summary>What is left of the prompt.</summary>
    public PromptReductionState State { get; }

    /// <summary>Per image: the last stage's outcome; empty when nothing was pruned.</summary>
    public IReadOnlyList<ImageReduction> Images { get; internal init; } = [];

    /// <summary>Per image: attention of the last prompt token to each candidate at the first stage, [V], or null.</summary>
    public IReadOnlyList<float[]?> Attention { get; internal init; } = [];

    /// <summary>Per image: the resized prior at the first stage, [V], or null.</summary>
    public IReadOnlyList<float[]?> Priors { get; internal init; } = [];

    /// <summary>Time spent on pruning.</summary>
    public TimeSpan PruneTime { get; internal init; }

    /// <inheritdoc/>
    public void Dispose() => Cache.Dispose();
}

/// <summary>
/// Reads a prompt: layers before the prune point over all tokens, the pruner's choice, the other layers over what is left. Positions never
/// change: rotary tables are computed once for the whole prompt and gathered.
/// </summary>
public static class PromptForward
{
    /// <summary>Runs the prefill.</summary>
    /// <param name="decoder">The decoder.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="vision">Per picture: what stands at its placeholders.</param>
    /// <param name="options">Pruning and tracing.</param>
    /// <param name="cancellationToken">Observed between layers and between images.</param>
    public static PrefillOutput Run(TextDecoder decoder, EncodedPrompt prompt, IReadOnlyList<VisionOutput> vision, PrefillOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(options);
        var cache = new KvCache(decoder.Config.Layers, options.Room);
        try
        {
            using var scope = NewDisposeScope();
            return new Prefill(decoder, prompt, vision, options, cache, cancellationToken).Run();
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    private sealed class Prefill
    {
        private readonly TextDecoder _decoder;
        private readonly EncodedPrompt _prompt;
        private readonly IReadOnlyList<VisionOutput> _vision;
        private readonly PrefillOptions _options;
        private readonly KvCache _cache;
        private readonly CancellationToken _cancellationToken;
        private readonly Tensor _cosAll;
        private readonly Tensor _sinAll;
        private readonly float[]?[] _attention;
        private readonly float[]?[] _priors;
        private readonly Stopwatch _pruning = new();
        private PromptReductionState _state;
        private IReadOnlyList<ImageReduction> _images = [];
        private Tensor _x;
        private Tensor _cos;
        private Tensor _sin;

        public Prefill(TextDecoder decoder, EncodedPrompt prompt, IReadOnlyList<VisionOutput> vision, PrefillOptions options, KvCache cache, CancellationToken cancellationToken)
        {
            (_decoder, _prompt, _vision, _options, _cache, _cancellationToken) = (decoder, prompt, vision, options, cache, cancellationToken);
            _state = PromptReductionState.Start(prompt.Length, prompt.Layouts);
            _attention = new float[]?[vision.Count];
            _priors = new float[]?[vision.Count];
            _x = Merge();
            (_cosAll, _sinAll) = decoder.RotaryTable(prompt.PositionIds);
            (_cos, _sin) = (_cosAll, _sinAll);
        }

        public PrefillOutput Run()
        {
            var trace = _options.Trace;
            var layers = _decoder.Config.Layers;
            trace?.AddHidden(0, _x, last: false);
            Prune(p => p.Kind is PruningPointKind.VisionOutput or PruningPointKind.DecoderInput, null);
            for (var i = 0; i < layers; i++)
            {
                _cancellationToken.ThrowIfCancellationRequested();
                var row = Layer(i);
                if (row is not null && trace is not null && trace.WantsAttention(i)) trace.Attention[i] = row;
                trace?.AddHidden(i + 1, _x, last: i == layers - 1);
                if (trace?.StopAfterLayer == i) return Output([]);
                Prune(p => p.Kind == PruningPointKind.AfterLayer && p.Layer == i, row);
            }

            var logits = new float[_decoder.Config.VocabularySize];
            if (trace?.RecordAllLogits == true) trace.Logits = ForwardTrace.ToArray(_decoder.Head(_decoder.FinalNorm(_x)));
            TextDecoder.CopyLogits(_decoder.Head(_decoder.FinalNorm(_x.narrow(1, _x.shape[1] - 1, 1))), logits);
            return Output(logits);
        }

        private PrefillOutput Output(float[] logits) => new(_cache, logits, _state)
        {
            Images = _images,
            Attention = _attention,
            Priors = _priors,
            PruneTime = _pruning.Elapsed,
        };

        // Token embeddings with each picture's features at its placeholders (the model file's masked scatter).
        private Tensor Merge()
        {
            var x = _decoder.Embed(_prompt.TokenIds);
            for (var i = 0; i < _vision.Count; i++)
            {
                var features = _vision[i].Features;
                var places = _prompt.Layouts[i].Count + _prompt.Layouts[i].Separators.Length;
                if (features.shape[0] != places) throw new InvalidOperationException($"Picture {i} gave {features.shape[0]} features for {places} placeholders.");
                using var slot = x.narrow(1, _prompt.ImageStarts[i], features.shape[0]);
                slot.copy_(features.unsqueeze(0));
            }

            return x;
        }

        private float[]? Layer(int i)
        {
            var wants = _options.Trace?.WantsAttention(i) == true || Stages(p => p.Kind == PruningPointKind.AfterLayer && p.Layer == i).Any(s => s.Signals.HasFlag(PruningSignals.LastRowAttention));
            float[]? row = null;
            using var scope = NewDisposeScope();
            var y = DecoderLayer.Forward(_x, _decoder.Weights.Layers[i], _decoder.Config, _cos, _sin, (q, k, v) =>
            {
                _cache.Append(i, k, v, _decoder.KvType);
                if (wants) row = ForwardTrace.ToArray(Attention.LastRow(q.narrow(2, q.shape[2] - 1, 1), k));
                return Attention.Fused(q, k, v, causal: true);
            });
            Replace(ref _x, y);
            return row;
        }

        private IEnumerable<PruningStage> Stages(Func<PruningPoint, bool> at) => _options.Pruner?.Schedule.Where(s => at(s.Point)) ?? [];

        private void Prune(Func<PruningPoint, bool> at, float[]? row)
        {
            if (_options.Pruner is not { } pruner || _vision.Count == 0) return;
            for (var s = 0; s < pruner.Schedule.Count; s++)
            {
                if (!at(pruner.Schedule[s].Point)) continue;
                if (_decoder.Device.type == DeviceType.CUDA) cuda.synchronize(); // the layers before are not pruning time
                _pruning.Start();
                using var scope = NewDisposeScope();
                var stage = pruner.Schedule[s];
                NoteScores(stage, row);
                var step = PromptReduction.Run(pruner, s, _state, c => Context(stage, c, row), _options.Budgets[s], _cancellationToken);
                _images = step.Images;
                if (!step.KeepsEverything || _options.ForceGather) Gather(step, stage.Point);
                _state = step.State;
                _pruning.Stop();
            }
        }

        // Attention and prior are kept for reports also where a budget keeps everything and no selection runs.
        private void NoteScores(PruningStage stage, float[]? row)
        {
            if (!stage.Signals.HasFlag(PruningSignals.LastRowAttention) || row is null) return;
            for (var i = 0; i < _vision.Count; i++)
            {
                if (_attention[i] is not null) continue;
                _attention[i] = Array.ConvertAll(_state.RowsOf(i), r => row[r]);
                _priors[i] = _options.Prior?.ForLayout(stage.Point.Layer + 1, _prompt.Layouts[i]);
            }
        }

        private PruningContext Context(PruningStage stage, ImageCandidates c, float[]? row)
        {
            var signals = stage.Signals;
            var rows = Index(c.Rows);
            var text = signals.HasFlag(PruningSignals.TextRows) ? Index(TextRows()) : null;
            var hidden = _x.squeeze(0);
            var normed = signals.HasFlag(PruningSignals.FinalNormedFeatures) ? _decoder.FinalNorm(_x).squeeze(0) : null;
            var keys = signals.HasFlag(PruningSignals.Keys) ? Keys(stage.Point.Layer) : null;
            var wantsHidden = signals.HasFlag(PruningSignals.HiddenStates);
            return new PruningContext
            {
                Layout = c.Layout,
                Budget = c.Budget,
                StageIndex = c.StageIndex,
                Remaining = c.Remaining,
                Attention = row is not null && signals.HasFlag(PruningSignals.LastRowAttention) ? Array.ConvertAll(c.Rows, r => row[r]) : null,
                Prior = Remaining(_options.Prior?.ForLayout(stage.Point.Layer + 1, c.Layout), c.Remaining),
                HiddenStates = wantsHidden ? hidden.index_select(0, rows) : null,
                Keys = keys?.index_select(0, rows),
                FinalNormed = normed?.index_select(0, rows),
                TextHiddenStates = wantsHidden && text is not null ? hidden.index_select(0, text) : null,
                TextKeys = text is not null ? keys?.index_select(0, text) : null,
                TextFinalNormed = text is not null ? normed?.index_select(0, text) : null,
                VisionClsAttention = signals.HasFlag(PruningSignals.VisionClsAttention) ? Remaining(_vision[c.Image].ClsAttention, c.Remaining) : null,
                CancellationToken = _cancellationToken,
            };
        }

        private static float[]? Remaining(float[]? values, int[]? remaining) =>
            values is null || remaining is null ? values : Array.ConvertAll(remaining, r => values[r]);

        private int[] TextRows()
        {
            var first = _prompt.ImageStarts.Min();
            var separators = _prompt.Layouts.SelectMany(l => l.Separators).ToHashSet();
            return [.. _state.OtherRows().Where(r => _state.PromptPositions[r] > first && !separators.Contains(_state.PromptPositions[r]))];
        }

        // Keys of a layer after rotary embedding, KV heads repeated to query heads, [rows, H*d].
        private Tensor Keys(int layer)
        {
            var (keys, values) = _cache.View(layer);
            values.Dispose();
            return Attention.MergeHeads(Attention.Repeat(keys, _decoder.Config.Heads)).squeeze(0);
        }

        private void Gather(PromptReductionStep step, PruningPoint point)
        {
            var index = Index(step.Rows);
            var x = _x.index_select(1, index);
            if (step.MergeWeights is { Count: > 0 } merges) x = Fold(x, merges);
            Replace(ref _x, x);
            var positions = Index(step.State.Positions);
            Replace(ref _cos, _cosAll.index_select(0, positions));
            Replace(ref _sin, _sinAll.index_select(0, positions));
            if (!_options.EvictEarlyKv) return;
            for (var i = 0; i <= point.Layer; i++) _cache.Keep(i, index);
        }

        // H' = W H for the outputs that W names; the others are copies.
        private Tensor Fold(Tensor gathered, IReadOnlyList<MergeWeight> merges)
        {
            var outputs = Index([.. merges.Select(m => m.Output)]);
            var weights = tensor(merges.Select(m => m.Weight).ToArray(), device: _x.device).unsqueeze(1);
            var sources = _x.squeeze(0).index_select(0, Index([.. merges.Select(m => m.Source)])).to(ScalarType.Float32) * weights;
            using Scalar zero = 0, one = 1; // held while libtorch reads them
            var result = gathered.squeeze(0).to(ScalarType.Float32).index_fill(0, outputs, zero).index_add(0, outputs, sources, one);
            return result.to(_x.dtype).unsqueeze(0);
        }

        private Tensor Index(int[] rows) => tensor(Array.ConvertAll(rows, r => (long)r), device: _decoder.Device);

        // The new tensor outlives the inner scope; the old one goes now rather than at the end of the prefill.
        private void Replace(ref Tensor field, Tensor value)
        {
            var old = field;
            field = value.MoveToOuterDisposeScope();
            if (!ReferenceEquals(old, _cosAll) && !ReferenceEquals(old, _sinAll)) old.Dispose();
        }
    }
}
