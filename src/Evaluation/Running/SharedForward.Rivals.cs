using System.Diagnostics;
using D2Pruner.AI.Evaluation.Rivals;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Evaluation.Running;

// The ways of rivals that no served model runs: other rows at the image's place, and stages that see whole attention maps.
internal sealed partial class SharedForward
{
    private readonly Dictionary<int, Tensor> _queries = [];

    /// <summary>Layers of the decoder.</summary>
    public int Layers => Decoder.Config.Layers;

    /// <summary>Rows of the image, separators included; the prompt holds one.</summary>
    public int VisualTokens => ImageRun().Count;

    /// <summary>Reads the prompt with other rows at the image's place; <see cref="Finish"/> answers it greedily.</summary>
    /// <param name="image">The image in the tower.</param>
    /// <param name="rival">What reduces it.</param>
    /// <param name="keep">n.</param>
    /// <param name="maxNewTokens">Most tokens of the answer.</param>
    /// <exception cref="PublishedFailureException">The published code fails on this image.</exception>
    public ForwardAnswer Read(RivalImage image, Rival rival, int keep, int maxNewTokens)
    {
        using var scope = NewDisposeScope();
        var (rows, made) = image.Rows(rival, keep);
        var watch = Stopwatch.StartNew();
        var (start, count) = ImageRun();
        var put = Rows(image.Tower, rows);
        var (m, behind) = ((int)put.shape[0], _prompt.Length - start - count);
        var x = cat([_inputs[0].narrow(1, 0, start), put.unsqueeze(0), _inputs[0].narrow(1, start + count, behind)], 1);
        long[][] ids = rows.Places is null
            ? [[.. Enumerable.Range(0, start + m + behind).Select(i => (long)i)]]
            : [.. _prompt.PositionIds.Select(p => (long[])
                [.. p[..start], .. rows.Places.Select(i => p[_prompt.Layouts[0].Positions[i]]), .. p[(start + count)..]])];
        var (cos, sin) = Decoder.RotaryTable(ids);
        var caches = new (Tensor K, Tensor V)[Layers];
        for (var i = 0; i < Layers; i++)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            (x, caches[i].K, caches[i].V, _) = Layer(x, i, cos, sin, wantsRow: false);
        }

        var logits = Decoder.Head(Decoder.FinalNorm(x.narrow(1, x.shape[1] - 1, 1)));
        Synchronize();
        var prefill = watch.Elapsed;
        var next = rows.Places is null ? ids[0].Length : _prompt.NextPosition;
        var layout = _prompt.Layouts[0];
        return new ForwardAnswer(Queue(Open(caches, logits, next, maxNewTokens)), [.. Enumerable.Repeat(m, Layers)],
            caches.Sum(c => c.K.shape[2]), [new ImageReduction(0, layout, layout.Count, rows.Kept, SelectionStatistics.Empty)],
            prefill + made, made);
    }

    /// <summary>Reads the prompt with a rival's stages in the decoder; <see cref="Finish"/> answers it greedily. Nothing leaves a cache
    /// that a layer has written.</summary>
    /// <param name="rival">The stages, new for every question.</param>
    /// <param name="maxNewTokens">Most tokens of the answer.</param>
    public ForwardAnswer Read(IDecoderRival rival, int maxNewTokens)
    {
        using var scope = NewDisposeScope();
        var run = Stages(rival);
        var logits = Decoder.Head(Decoder.FinalNorm(run.Hidden.narrow(1, run.Hidden.shape[1] - 1, 1)));
        Synchronize();
        long[] next = [.. run.Caches.Select(c => rival.Renumbers ? c.K.shape[2] : _prompt.NextPosition)];
        var open = Open(run.Caches, logits, next[0], maxNewTokens);
        open = next.Distinct().Count() == 1 ? Queue(open) : DecodeByLayer(open, next);
        var layout = _prompt.Layouts[0];
        var place = layout.Positions.Select((p, i) => (p, i)).ToDictionary(t => t.p - ImageRun().Start, t => t.i);
        int[] kept = [.. run.Left.Where(place.ContainsKey).Select(r => place[r]).Order()];
        return new ForwardAnswer(open, run.Visual, run.Caches.Sum(c => c.K.shape[2]),
            [new ImageReduction(0, layout, layout.Count, kept, SelectionStatistics.Empty)], run.Time, run.Pruning);
    }

    /// <summary>Lets a rival see every stage, without an answer.</summary>
    public void Watch(IDecoderRival rival)
    {
        using var scope = NewDisposeScope();
        Stages(rival);
    }

    private StagedRun Stages(IDecoderRival rival)
    {
        var (start, original) = ImageRun();
        var first = rival.Layers.Count > 0 ? rival.Layers[0] : Layers;
        // The layer behind which it drops first saw all tokens: that one is shared too.
        var shared = Math.Min(first + 1, Layers);
        Ensure(shared);
        var seen = first < Layers ? Queries(first) : null;
        var prefix = _layers.Take(shared).Aggregate(TimeSpan.Zero, (sum, l) => sum + l.Time);
        var (watch, pruning) = (Stopwatch.StartNew(), new Stopwatch());
        var (caches, visual) = (new (Tensor K, Tensor V)[Layers], new int[Layers]);
        for (var i = 0; i < shared; i++) caches[i] = (_layers[i].K, _layers[i].V);
        Array.Fill(visual, original, 0, shared);
        var (x, cos, sin, ids) = (_inputs[shared], _cos, _sin, _prompt.PositionIds);
        int[] left = [.. Enumerable.Range(0, original)];
        for (int i = first, stage = 0; i < Layers; i++)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            visual[i] = left.Length;
            var looks = rival.Layers.Contains(i);
            Tensor? queries = null, keys = null;
            Action<Tensor, Tensor>? see = looks ? (q, k) => (queries, keys) = (q, k) : null;
            if (i < shared) (queries, keys) = (seen, caches[i].K);
            else (x, caches[i].K, caches[i].V, _) = Layer(x, i, cos, sin, wantsRow: false, see);
            if (!looks) continue;
            Synchronize(); // the layers before are not pruning time
            pruning.Start();
            var outcome = rival.Reduce(new StageView
            {
                Decoder = Decoder, Stage = stage++, Layer = i, Start = start, Count = left.Length, Original = original, Positions = ids[0],
                Input = _inputs[0].squeeze(0), Hidden = x.squeeze(0), Queries = queries!, Keys = keys!,
            });
            if (outcome.Kept.Length < left.Length) (x, cos, sin, ids) = Drop(x, outcome, start, left.Length, ids, rival.Renumbers);
            left = [.. outcome.Kept.Select(k => left[k]), .. Enumerable.Repeat(-1, (int)(outcome.Merged?.shape[0] ?? 0))];
            pruning.Stop();
        }

        return new StagedRun(x, caches, visual, left, prefix + watch.Elapsed, pruning.Elapsed);
    }

    // A shared layer's queries, as the layer makes them: stages ask for one layer's or two, so what it computed holds none.
    private Tensor Queries(int layer)
    {
        if (_queries.TryGetValue(layer, out var known)) return known;
        using var scope = NewDisposeScope();
        var (c, w) = (Decoder.Config, Decoder.Weights.Layers[layer]);
        var normed = Norms.Rms(_inputs[layer], w.InputNorm, c.RmsNormEps);
        var queries = Rotary.Apply(Attention.SplitHeads(w.Query.Forward(normed), c.Heads), _cos, _sin).DetachFromDisposeScope();
        _kept.Add(queries);
        return _queries[layer] = queries;
    }

    private (Tensor X, Tensor Cos, Tensor Sin, long[][] Ids) Drop(
        Tensor x, StageOutcome outcome, int start, int count, long[][] ids, bool renumber)
    {
        int[] before = [.. Enumerable.Range(0, start), .. outcome.Kept.Select(k => start + k)];
        int[] behind = [.. Enumerable.Range(start + count, (int)x.shape[1] - start - count)];
        List<Tensor> parts = [x.index_select(1, Index(before))];
        if (outcome.Merged is not null) parts.Add(outcome.Merged.unsqueeze(0));
        parts.Add(x.index_select(1, Index(behind)));
        var y = cat(parts, 1);
        if (!renumber && outcome.Merged is not null)
            throw new NotSupportedException("Merged tokens have no position of their own; such a rival numbers anew.");
        ids = renumber ? [[.. Enumerable.Range(0, (int)y.shape[1]).Select(i => (long)i)]]
            : [.. ids.Select(p => Array.ConvertAll([.. before, .. behind], r => p[r]))];
        var (cos, sin) = Decoder.RotaryTable(ids);
        return (y, cos, sin, ids);
    }

    // Every layer's next id is a number of its own, as published code has it that numbers by the cache.
    private OpenAnswer DecodeByLayer(OpenAnswer answer, long[] positions)
    {
        while (GoesOn(answer))
        {
            _cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var x = Decoder.Embed([answer.Ids[^1]]);
            for (var i = 0; i < positions.Length; i++)
            {
                var layer = i;
                var (cos, sin) = Decoder.RotaryTable([[positions[i] + answer.Ids.Count - 1]]);
                x = DecoderLayer.Forward(x, Decoder.Weights.Layers[i], Decoder.Config, cos, sin, (q, k, v) =>
                {
                    answer.Cache.Append(layer, k, v, Decoder.KvType);
                    var (keys, values) = answer.Cache.View(layer);
                    return Attention.Decode(q, keys, values);
                });
            }

            ToArray(Decoder.Head(Decoder.FinalNorm(x)).reshape(-1)).CopyTo(answer.Logits, 0);
        }

        return answer;
    }

    // A reduction's rows behind the projector, with newlines and zeros.
    private static Tensor Rows(TowerView tower, InputRows rows)
    {
        var projected = tower.Project(rows.Features);
        if (rows.Order is { } order)
        {
            var count = projected.shape[0];
            var all = order.Contains(-1) ? cat([projected, tower.Newline!.unsqueeze(0)], 0) : projected;
            projected = all.index_select(0, tensor(order.Select(i => i < 0 ? count : i).ToArray()).MovedTo(all.device));
        }

        return rows.Zero == 0 ? projected : cat([projected, zeros_like(projected.narrow(0, 0, 1)).expand(rows.Zero, -1)], 0);
    }

    private (int Start, int Count) ImageRun()
    {
        var run = _prompt.VisualPositions is [var only] ? only
            : throw new PublishedFailureException("This method knows prompts with one image.");
        return run[^1] - run[0] + 1 == run.Length ? (run[0], run.Length)
            : throw new PublishedFailureException("This method knows images whose tokens stand together.");
    }

    private sealed record StagedRun(
        Tensor Hidden, (Tensor K, Tensor V)[] Caches, int[] Visual, int[] Left, TimeSpan Time, TimeSpan Pruning);
}
