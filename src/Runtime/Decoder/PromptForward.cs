using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Layers;
using D2Pruner.AI.Runtime.Prompts;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>
/// Reads a prompt: layers before the prune point over all tokens, the pruner's choice, the other layers over what is left. Positions never
/// change: rotary tables are computed once for the whole prompt and gathered. Where the prompt's beginning is known, only the rest is read:
/// by causality what stands before a position does not depend on what follows.
/// </summary>
internal static class PromptForward
{
    /// <summary>Runs the prefill.</summary>
    /// <param name="decoder">The decoder.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="vision">Per image: what stands at its placeholders; null for an image inside a reused prefix.</param>
    /// <param name="options">Pruning, reuse and tracing.</param>
    /// <param name="cancellationToken">Observed between layers and between images.</param>
    public static PrefillOutput Run(
        TextDecoder decoder, EncodedPrompt prompt, IReadOnlyList<VisionOutput?> vision, PrefillOptions options,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(options);
        var cache = Start(decoder, prompt, options);
        try
        {
            using var scope = NewDisposeScope();
            var output = new Prefill(decoder, prompt, vision, options, cache, cancellationToken).Run();
            cache.Expect(options.Answer);
            return output;
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    // An empty cache, or a copy of the prefix's with room for the rest of the prompt.
    private static KvCache Start(TextDecoder decoder, EncodedPrompt prompt, PrefillOptions options)
    {
        var layers = decoder.Config.Layers;
        if (options.Reuse is not { } use) return new KvCache(layers, options.Room);
        var prefix = use.Prefix;
        if (use.Length < 1 || use.Length > prefix.Length || use.Length >= prompt.Length)
            throw new ArgumentException(
                $"{use.Length} tokens of a prefix of {prefix.Length} cannot begin a prompt of {prompt.Length}.", nameof(options));
        var kept = prefix.Frozen?.Positions.Count(p => p < use.Length) ?? use.Length;
        var rows = Enumerable.Range(0, layers)
            .Select(i => i >= prefix.Layers ? 0 : i < (prefix.Frozen?.EarlyLayers ?? layers) ? use.Length : kept);
        return prefix.Cache.Fork([.. rows], options.Room, prompt.Length - use.Length);
    }

    private sealed class Prefill
    {
        private readonly TextDecoder _decoder;
        private readonly EncodedPrompt _prompt;
        private readonly IReadOnlyList<VisionOutput?> _vision;
        private readonly PrefillOptions _options;
        private readonly KvCache _cache;
        private readonly CancellationToken _cancellationToken;
        private readonly Tensor _cosAll;
        private readonly Tensor _sinAll;
        private readonly float[]?[] _attention;
        private readonly float[]?[] _priors;
        private readonly IReadOnlyList<PruningMemo> _memos;
        private readonly int _start; // prompt tokens that are not read because a prefix holds them
        private PromptReductionState _state;
        private IReadOnlyList<ImageReduction> _images = [];
        private PromptPrefix? _prefix;
        private int _early;
        private Tensor? _mask; // grown caches are not in the order of positions
        private Tensor _x;
        private Tensor _cos;
        private Tensor _sin;

        public Prefill(TextDecoder decoder, EncodedPrompt prompt, IReadOnlyList<VisionOutput?> vision, PrefillOptions options,
            KvCache cache, CancellationToken cancellationToken)
        {
            (_decoder, _prompt, _vision, _options, _cache, _cancellationToken) =
                (decoder, prompt, vision, options, cache, cancellationToken);
            _start = options.Reuse?.Length ?? 0;
            var frozen = options.Reuse?.Prefix.Frozen;
            _state = frozen is null
                ? PromptReductionState.Start(prompt.Length, prompt.Layouts)
                : PromptReductionState.Restore(
                    prompt.Length, prompt.Layouts,
                    [.. frozen.Positions.Where(p => p < _start), .. Enumerable.Range(_start, prompt.Length - _start)]);
            if (frozen is not null) (_images, _early) = (frozen.Images, frozen.EarlyLayers);
// What is known of an image holds for that image only: one behind the reused beginning is another.
            _memos = [.. vision.Select((_, i) => Known(options.Reuse, prompt, i) ?? new PruningMemo())];
            _attention = new float[]?[vision.Count];
            _priors = new float[]?[vision.Count];
            _x = Merge();
            (_cosAll, _sinAll) = decoder.RotaryTable(prompt.PositionIds);
            (_cos, _sin) = _start == 0 ? (_cosAll, _sinAll)
                : (_cosAll.narrow(0, _start, prompt.Length - _start), _sinAll.narrow(0, _start, prompt.Length - _start));
        }

        private static PruningMemo? Known(PrefixUse? use, EncodedPrompt prompt, int image) =>
            use is not null && image < use.Prefix.Memos.Count && prompt.VisualPositions[image] is [.., var last] && last < use.Length
                ? use.Prefix.Memos[image] : null;

        public PrefillOutput Run()
        {
            try
            {
                return Read();
            }
            catch
            {
                _prefix?.Dispose();
                throw;
            }
        }

        private PrefillOutput Read()
        {
            var trace = _options.Trace;
            var layers = _decoder.Config.Layers;
            var border = _options.Reuse is { Prefix: { Frozen: null } prefix } ? prefix.Layers : _options.KeepPrefix > 0
                ? FirstStage() : layers;
            trace?.AddHidden(0, _x, last: false);
            Prune(p => p.Kind is PruningPointKind.VisionOutput or PruningPointKind.DecoderInput, null);
            for (var i = 0; i < layers; i++)
            {
                _cancellationToken.ThrowIfCancellationRequested();
                _options.Observer?.AtBorder();
                var row = Layer(i);
                if (row is not null && trace is not null && trace.WantsAttention(i)) trace.Attention[i] = row;
                AddLevel(i);
                if (i + 1 == border && border < layers) Join(border);
                trace?.AddHidden(i + 1, _x, last: i == layers - 1);
                if (trace?.StopAfterLayer == i) return Output([]);
                Prune(p => p.Kind == PruningPointKind.AfterLayer && p.Layer == i, row);
            }

            var logits = new float[_decoder.Config.VocabularySize];
            if (trace?.RecordAllLogits == true) trace.Logits = ForwardTrace.ToArray(_decoder.Head(_decoder.FinalNorm(_x)));
            TextDecoder.CopyLogits(_decoder.Head(_decoder.FinalNorm(_x.narrow(1, _x.shape[1] - 1, 1))), logits);
            return Output(logits);
        }

        // K of the first stage: what stands before it is the same for every question.
        private int FirstStage() => _options.Pruner?.Schedule[0].Point is { Kind: PruningPointKind.AfterLayer } p ? p.Layer + 1 : 0;

        // After layer K-1 the known rows come back, and the rows that are wanted are kept for the next question.
        private void Join(int layers)
        {
            using var scope = NewDisposeScope();
            if (_options.Reuse is { } use && use.Prefix.Hidden is { } known)
            {
                Replace(ref _x, cat([known.narrow(1, 0, use.Length), _x], 1));
                (_cos, _sin) = (_cosAll, _sinAll);
            }

            if (_options.KeepPrefix is not (> 0 and var length)) return;
            _prefix = new PromptPrefix
            {
                Length = length,
                Layers = layers,
                Cache = _cache.Fork([.. _cache.Lengths.Select(n => Math.Min(n, length))], 0),
                Hidden = _x.narrow(1, 0, length).clone().DetachFromDisposeScope(),
                Memos = _memos,
            };
        }

        // Features that a family adds after its first layers, at the rows of the visual tokens that are left.
        private void AddLevel(int layer)
        {
            for (var i = 0; i < _vision.Count; i++)
            {
                if (_vision[i] is not { Levels: { } levels } || layer >= levels.Count) continue;
                using var scope = NewDisposeScope();
                var offset = _state.Length - (int)_x.shape[1];
                var (rows, sources) = (new List<int>(), new List<int>());
                for (var s = 0; s < _prompt.VisualPositions[i].Length; s++)
                {
                    var row = Array.BinarySearch(_state.PromptPositions, _prompt.VisualPositions[i][s]) - offset;
                    if (row < 0) continue;
                    rows.Add(row);
                    sources.Add(s);
                }

                using Scalar one = 1;
                Replace(ref _x, _x.index_add(
                    1, Index([.. rows]), levels[layer].index_select(0, Index([.. sources])).unsqueeze(0).to(_x.dtype), one));
            }
        }

        private PrefillOutput Output(float[] logits) => new(_cache, logits, _state)
        {
            Images = _images,
            Attention = _attention,
            Priors = _priors,
            Prefix = _prefix,
            EarlyLayers = _early,
        };

        // Token embeddings with each image's features at its positions (the model file's masked scatter).
        private Tensor Merge()
        {
            var x = _decoder.Embed(_prompt.TokenIds.AsSpan(_start));
            for (var i = 0; i < _vision.Count; i++)
            {
                var places = _prompt.VisualPositions[i];
                if (places.Length > 0 && places[0] < _start) continue;
                var features = _vision[i]?.Features
                    ?? throw new InvalidOperationException($"Image {i} has no features and is not part of what is reused.");
                if (features.shape[0] != places.Length)
                    throw new InvalidOperationException($"Image {i} gave {features.shape[0]} features for {places.Length} placeholders.");
                // Runs of neighbouring positions: one for most families, several where text stands between tiles.
                for (var (from, to) = (0, 0); from < places.Length; from = to)
                {
                    for (to = from + 1; to < places.Length && places[to] == places[to - 1] + 1; to++)
                    {
                    }

                    using var slot = x.narrow(1, places[from] - _start, to - from);
                    using var run = features.narrow(0, from, to - from);
                    slot.copy_(run.unsqueeze(0));
                }
            }

            return x;
        }

        private float[]? Layer(int i)
        {
            var wants = _options.Trace?.WantsAttention(i) == true
                || Stages(p => p.Kind == PruningPointKind.AfterLayer && p.Layer == i)
                .Any(s => s.Signals.HasFlag(PruningSignals.LastRowAttention));
            var lastOnly = NeedsLastRowOnly(i);
            float[]? row = null;
            using var scope = NewDisposeScope();
            var y = DecoderLayer.Forward(_x, _decoder.Weights.Layers[i], _decoder.Config, _cos, _sin, (q, k, v) =>
            {
                var fresh = _cache.Lengths[i] == 0;
                _cache.Append(i, k, v, _decoder.KvType);
                if (!fresh) (k, v) = _cache.View(i);
                if (wants) row = ForwardTrace.ToArray(Attention.LastRow(q.narrow(2, q.shape[2] - 1, 1), k));
                // The last token sees everything.
                if (lastOnly) return Attention.Fused(q, k, v, causal: false);
                return _mask is null ? Attention.Suffix(q, k, v) : Attention.Masked(q, k, v, _mask);
            }, lastOnly);
            Replace(ref _x, y);
            return row;
        }

        // Of the last layer the answer needs the last row, and the other rows' keys and values.
        private bool NeedsLastRowOnly(int layer) => layer == _decoder.Config.Layers - 1
            && _options.Trace?.WantsAllRows != true
            && !_vision.Any(v => v?.Levels is { } levels && layer < levels.Count)
            && !Stages(p => p.Kind == PruningPointKind.AfterLayer && p.Layer == layer).Any();

        private IEnumerable<PruningStage> Stages(Func<PruningPoint, bool> at) => _options.Pruner?.Schedule.Where(s => at(s.Point)) ?? [];

        private void Prune(Func<PruningPoint, bool> at, float[]? row)
        {
            if (_options.Pruner is not { } pruner || _vision.Count == 0 || _options.Reuse?.Prefix.Frozen is not null) return;
            for (var s = 0; s < pruner.Schedule.Count; s++)
            {
                if (!at(pruner.Schedule[s].Point)) continue;
                _options.Observer?.PruningStarts();
                using var scope = NewDisposeScope();
                var stage = pruner.Schedule[s];
                NoteScores(stage, row);
                var step = PromptReduction.Run(pruner, s, _state, c => Context(stage, c, row), _options.Budgets[s], _cancellationToken);
                _images = step.Images;
                if (_options.Grow is { } grow && !step.KeepsEverything)
                {
                    _state = Grow(grow, step, stage.Point);
                }
                else
                {
                    if (!step.KeepsEverything || _options.ForceGather) Gather(step, stage.Point);
                    _state = step.State;
                }

                _options.Observer?.PruningEnds();
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
                Attention = row is not null && signals.HasFlag(PruningSignals.LastRowAttention)
                ? Array.ConvertAll(c.Rows, r => row[r]) : null,
                Prior = Remaining(_options.Prior?.ForLayout(stage.Point.Layer + 1, c.Layout), c.Remaining),
                HiddenStates = wantsHidden ? hidden.index_select(0, rows) : null,
                Keys = keys?.index_select(0, rows),
                FinalNormed = normed?.index_select(0, rows),
                TextHiddenStates = wantsHidden && text is not null ? hidden.index_select(0, text) : null,
                TextKeys = text is not null ? keys?.index_select(0, text) : null,
                TextFinalNormed = text is not null ? normed?.index_select(0, text) : null,
                VisionClsAttention = signals.HasFlag(PruningSignals.VisionClsAttention)
                ? Remaining(_vision[c.Image]?.ClsAttention, c.Remaining) : null,
                Memo = c.Remaining is null && stage.Point.Kind == PruningPointKind.AfterLayer && c.Image < _memos.Count
                ? _memos[c.Image] : null,
                CancellationToken = _cancellationToken,
            };
        }

        private static float[]? Remaining(float[]? values, int[]? remaining) =>
            values is null || remaining is null ? values : Array.ConvertAll(remaining, r => values[r]);

        private int[] TextRows()
        {
            var first = _prompt.VisualPositions.Min(p => p[0]);
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
            if (!_options.EvictEarlyKv)
            {
                _early = Math.Max(_early, point.Layer + 1);
                return;
            }

            for (var i = 0; i <= point.Layer; i++) _cache.Keep(i, index);
        }

        // The earlier question's tokens stay in the later layers; only what this one adds is run through them,
        // each token seeing what stands before it.
        private PromptReductionState Grow(PrefixUse use, PromptReductionStep step, PruningPoint point)
        {
            if (step.MergeWeights is not null || _options.Pruner!.Schedule.Count > 1)
                throw new InvalidOperationException("Only pruners of one stage that merge nothing can grow.");
            int[] held = [.. use.Prefix.Frozen!.Positions.TakeWhile(p => p < use.Length)];
            int[] added = [.. step.Rows.Except(held)];
            int[] all = [.. held.Union(added).Order()];
            var index = Index(added);
            Replace(ref _x, _x.index_select(1, index));
            Replace(ref _cos, _cosAll.index_select(0, index));
            Replace(ref _sin, _sinAll.index_select(0, index));
            // Before the later layers are filled: the request's estimate has no room for both.
            if (_options.EvictEarlyKv) for (var i = 0; i <= point.Layer; i++) _cache.Keep(i, Index(all));
            for (var i = point.Layer + 1; i < _decoder.Config.Layers; i++)
                _cache.Adopt(i, use.Prefix.Cache, held.Length, added.Length + _options.Room);
            int[] keys = [.. held, .. added];
            var mask = new float[added.Length * keys.Length];
            for (var q = 0; q < added.Length; q++)
            {
                for (var k = 0; k < keys.Length; k++) mask[q * keys.Length + k] = keys[k] <= added[q] ? 0 : float.NegativeInfinity;
            }

            _mask = tensor(mask, [added.Length, keys.Length]).MovedTo(_decoder.Device).MoveToOuterDisposeScope();
            return PromptReductionState.Restore(_prompt.Length, _prompt.Layouts, all);
        }

        // H' = W H for the outputs that W names; the others are copies.
        private Tensor Fold(Tensor gathered, IReadOnlyList<MergeWeight> merges)
        {
            using var scope = NewDisposeScope();
            var outputs = Index([.. merges.Select(m => m.Output)]);
            var weights = tensor(merges.Select(m => m.Weight).ToArray()).MovedTo(_x.device).unsqueeze(1);
            var sources = _x.squeeze(0).index_select(0, Index([.. merges.Select(m => m.Source)])).to(ScalarType.Float32) * weights;
            using Scalar zero = 0, one = 1; // held while libtorch reads them
            var result = gathered.squeeze(0).to(ScalarType.Float32).index_fill(0, outputs, zero).index_add(0, outputs, sources, one);
            return result.to(_x.dtype).unsqueeze(0).MoveToOuterDisposeScope();
        }

        private Tensor Index(int[] rows) => tensor(Array.ConvertAll(rows, r => (long)r)).MovedTo(_decoder.Device);

        // The new tensor outlives the inner scope; the old one goes now rather than at the end of the prefill.
        private void Replace(ref Tensor field, Tensor value)
        {
            var old = field;
            field = value.MoveToOuterDisposeScope();
            if (!ReferenceEquals(old, _cosAll) && !ReferenceEquals(old, _sinAll)) old.Dispose();
        }
    }
}
