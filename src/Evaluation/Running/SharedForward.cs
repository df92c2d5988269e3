using System.Diagnostics;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Kernels;
using D2Pruner.AI.Runtime.Layers;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Prompts;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>
/// One question through the decoder under many conditions: embeddings and the layers that every condition runs over all tokens are computed
/// once and kept, and answers are decoded together. What comes out equals the engine's answer (a test holds it). The only class here that
/// knows the decoder.
/// </summary>
internal sealed partial class SharedForward : IDisposable
{
    private const long MostOpenBytes = 256L << 20; // of keys and values
    private readonly VisionLanguageModel _model;
    private readonly EncodedPrompt _prompt;
    private readonly IReadOnlyList<VisionOutput> _vision;
    private readonly CancellationToken _cancellationToken;
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Tensor _cos;
    private readonly Tensor _sin;
    private readonly List<Tensor> _inputs = []; // hidden states before layer i, [1, N, D]
    private readonly List<Computed> _layers = []; // what layer i computed over all tokens
    private readonly List<Tensor> _kept = [];
    private readonly List<OpenAnswer> _open = []; // read, and to be decoded together
    private readonly Dictionary<(string Choice, int Most), ForwardAnswer> _chosen = [];

    /// <summary>Begins a question.</summary>
    /// <param name="model">The model; the caller is in inference mode and uses it alone.</param>
    /// <param name="prompt">The encoded question.</param>
    /// <param name="vision">Per image: what stands at its placeholders.</param>
    /// <param name="cancellationToken">Observed between layers.</param>
    public SharedForward(VisionLanguageModel model, EncodedPrompt prompt, IReadOnlyList<VisionOutput> vision,
        CancellationToken cancellationToken)
    {
        (_model, _prompt, _vision, _cancellationToken) = (model, prompt, vision, cancellationToken);
        (_cos, _sin) = Decoder.RotaryTable(prompt.PositionIds);
        _inputs.Add(Merge());
    }

    /// <summary>Tokens that every answer has at least: before them no stop id is taken.</summary>
    public int MinNewTokens { get; init; }

    private TextDecoder Decoder => _model.Decoder;

    // Only the step on CPU gives every row what it gives alone.
    private int MostTogether =>
        DenseLinear.KernelsEnabled && CpuDecoderSource.Applies(Decoder.Config, Decoder.Weights) ? MatrixKernel.MaxRows : 1;

    /// <summary>The last prompt token's attention to an image's tokens after K layers, [V].</summary>
    public float[] AttentionRow(int layersBeforePruning, int image)
    {
        Ensure(layersBeforePruning);
        var row = _layers[layersBeforePruning - 1].Row;
        return Array.ConvertAll(_prompt.Layouts[image].Positions, p => row[p]);
    }

    /// <summary>Hidden states of an image's tokens after K layers, [V, D]; the caller disposes them.</summary>
    public Tensor HiddenStates(int layersBeforePruning, int image)
    {
        Ensure(layersBeforePruning);
        using var index = Index(_prompt.Layouts[image].Positions);
        return _inputs[layersBeforePruning].squeeze(0).index_select(0, index);
    }

    /// <summary>Reads the prompt under a condition; <see cref="Finish"/> answers it greedily.</summary>
    /// <param name="pruner">The pruner; null prunes nothing.</param>
    /// <param name="budgets">Per stage: tokens to keep of each image.</param>
    /// <param name="prior">The prior; null is uniform.</param>
    /// <param name="evict">Whether dropped tokens leave the caches of earlier layers too.</param>
    /// <param name="maxNewTokens">Most tokens of the answer.</param>
    public ForwardAnswer Read(
        IVisualTokenPruner? pruner, IReadOnlyList<int[]> budgets, PositionalBiasPrior? prior, bool evict, int maxNewTokens)
    {
        using var scope = NewDisposeScope();
        var layers = Decoder.Config.Layers;
        var first = pruner is null || _vision.Count == 0 ? layers - 1
            : pruner.Schedule.Min(s => s.Point.Kind == PruningPointKind.AfterLayer ? s.Point.Layer + 1 : 0);
        var prefix = TimeSpan.Zero;
        Ensure(first);
        for (var i = 0; i < first; i++) prefix += _layers[i].Time;
        var watch = Stopwatch.StartNew();
        var run = new Run(this, pruner, budgets, prior, evict, first);
        run.Begin();
        // What another condition left of the prompt too is the same prompt: only the pruning's time is this one's own.
        if (run.Choice is { } same && _chosen.TryGetValue((same, maxNewTokens), out var twin))
            return twin with { Images = run.Images, PrefillTime = twin.PrefillTime - twin.PruneTime + run.PruneTime,
                PruneTime = run.PruneTime };
        var logits = run.Prefill();
        Synchronize();
        var prefill = prefix + watch.Elapsed;
        var open = Queue(Open(run.Caches, logits, _prompt.NextPosition - run.PositionShift, maxNewTokens));
        var answer = new ForwardAnswer(open, run.VisualTokens, run.CacheTokens, run.Images, prefill, run.PruneTime);
        if (run.Choice is { } choice) _chosen[(choice, maxNewTokens)] = answer;
        return answer;
    }

    /// <summary>Answers everything that was read.</summary>
    public void Finish()
    {
        while (_open.Count > 0)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            // The decoder's own step, which the engine takes too.
            Decoder.Step(_open.ConvertAll(a => new DecodeRow(a.Cache, a.Ids[^1], a.Position + a.Ids.Count - 1, a.Logits)));
            _open.RemoveAll(a => !GoesOn(a));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _open.ForEach(a => a.Cache.Dispose());
        _kept.ForEach(t => t.Dispose());
        _scope.Dispose();
    }

    private void Ensure(int layers)
    {
        for (var i = _layers.Count; i < layers; i++)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            var watch = Stopwatch.StartNew();
            var (y, k, v, row) = Layer(_inputs[i], i, _cos, _sin, wantsRow: true);
            Synchronize();
            // Made within a condition's scope, kept for the question.
            foreach (var t in new[] { y, k, v }) _kept.Add(t.DetachFromDisposeScope());
            _inputs.Add(y);
            _layers.Add(new Computed(k, v, row!, watch.Elapsed));
        }
    }

    private Tensor Merge()
    {
        var x = Decoder.Embed(_prompt.TokenIds);
        using var rows = x.squeeze(0);
        for (var i = 0; i < _vision.Count; i++)
        {
            if (_vision[i].Levels is not null)
                throw new NotSupportedException("Evaluation does not know models that add visual features to later layers.");
            using var index = Index(_prompt.VisualPositions[i]);
            rows.index_copy_(0, index, _vision[i].Features);
        }

        return x;
    }

    // As in the engine, only the last row comes out of the last layer, unless somebody looks at the others.
    private (Tensor Y, Tensor K, Tensor V, float[]? Row) Layer(
        Tensor x, int i, Tensor cos, Tensor sin, bool wantsRow, Action<Tensor, Tensor>? see = null)
    {
        var lastOnly = i == Decoder.Config.Layers - 1 && see is null && !wantsRow;
        Tensor? keys = null, values = null;
        float[]? row = null;
        var y = DecoderLayer.Forward(x, Decoder.Weights.Layers[i], Decoder.Config, cos, sin, (q, k, v) =>
        {
            // Nothing writes into them, and an answer's cache copies them.
            keys = k.to(Decoder.KvType).MoveToOuterDisposeScope();
            values = v.to(Decoder.KvType).MoveToOuterDisposeScope();
            see?.Invoke(q.alias().MoveToOuterDisposeScope(), k.alias().MoveToOuterDisposeScope());
            if (wantsRow) row = ToArray(Attention.LastRow(q.narrow(2, q.shape[2] - 1, 1), k));
            return Attention.Fused(q, k, v, causal: !lastOnly);
        }, lastOnly);
        return (y, keys!, values!, row);
    }

    private OpenAnswer Open((Tensor K, Tensor V)[] caches, Tensor logits, long position, int maxNewTokens)
    {
        var cache = new KvCache(caches.Length, maxNewTokens);
        for (var i = 0; i < caches.Length; i++) cache.Append(i, caches[i].K, caches[i].V, Decoder.KvType);
        return new OpenAnswer(cache, ToArray(logits.reshape(-1)), position, maxNewTokens);
    }

    // Waits for as many as one step takes, or memory has room for.
    private OpenAnswer Queue(OpenAnswer answer)
    {
        if (!GoesOn(answer)) return answer;
        _open.Add(answer);
        if (_open.Count >= MostTogether || _open.Sum(a => a.Bytes) >= MostOpenBytes) Finish();
        return answer;
    }

    // Takes the next token; false where the answer ends.
    private bool GoesOn(OpenAnswer answer)
    {
        var (ids, row, stops) = (answer.Ids, answer.Logits, _model.Generation.StopIds);
        if (ids.Count < MinNewTokens)
        {
            foreach (var stop in stops.Where(s => s < row.Length)) row[stop] = float.NegativeInfinity;
        }

        // Ties go to the lower id, as in the engine's greedy sampler.
        var id = Array.IndexOf(row, row.Max());
        if (!stops.Contains(id))
        {
            ids.Add(id);
            if (ids.Count < answer.Most) return true;
        }

        answer.Text = _model.Tokenizer.Decode([.. ids]);
        answer.Cache.Dispose();
        return false;
    }

    private void Synchronize()
    {
        if (Decoder.Device.type == DeviceType.CUDA) cuda.synchronize(Decoder.Device);
    }

    private Tensor Index(int[] rows) => tensor(Array.ConvertAll(rows, r => (long)r)).MovedTo(Decoder.Device);

    private static float[] ToArray(Tensor t)
    {
        using var scope = NewDisposeScope();
        return [.. t.to(ScalarType.Float32).cpu().contiguous().data<float>()];
    }

    private sealed record Computed(Tensor K, Tensor V, float[] Row, TimeSpan Time);
}
