using System.Text.Json.Nodes;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Engine;
using D2Pruner.AI.Runtime.Imaging;
using TorchSharp;

namespace D2Pruner.AI.Conformance;

/// <summary>The sequences of one case (unpruned, with the model's own penalty, one a pruning) and what they computed.</summary>
internal sealed class CaseAnswers
{
    /// <summary>Steps whose scores after the repetition penalty are stored.</summary>
    private const int StoredScores = 3;

    private readonly ModelCaseRunner _runner;
    private readonly ModelCase _case;
    private readonly Run _plain;
    private readonly Run? _penalized;
    private readonly Run[] _pruned;

    private readonly bool _reuses;

    public CaseAnswers(ModelCaseRunner runner, ModelCase c, bool reuses)
    {
        (_runner, _case, _reuses) = (runner, c, reuses);
        _plain = Make(null, null, new ForwardTrace { RecordHidden = true, RecordAttention = true, RecordAllLogits = true });
        if (runner.Model.Generation.RepetitionPenalty is { } penalty and not 1) _penalized = Make(null, penalty, null);
        _pruned = [.. c.Prunings.Select(p => Make(p, null, new ForwardTrace { RecordLastHidden = true }))];
    }

    public IEnumerable<Sequence> Sequences => new[] { _plain, _penalized }.Concat(_pruned).OfType<Run>().Select(r => r.Sequence);

    /// <summary>Everything that the answers say.</summary>
    /// <param name="first">Answers to the same case before, whose rows stand for those that were reused instead of
    /// computed; null where all were computed.</param>
    public ModelCaseResult Result(CaseAnswers? first)
    {
        using var inference = torch.inference_mode();
        using var scope = torch.NewDisposeScope();
        var tensors = new SortedDictionary<string, Blob>(StringComparer.Ordinal);
        var (model, prompt) = (_runner.Model, _plain.Sequence.Prepared.Prompt);
        ProcessedImage[] images =
            [.. _case.Turns.SelectMany(t => t.Parts).OfType<ImagePart>()
                .Select(p => model.ImageProcessor.Process(ImageDecoder.Decode(p.Bytes, null)))];
        long n = prompt.Length, width = model.Decoder.Config.HiddenSize;
        tensors["input_ids"] = Blob.Of(prompt.TokenIds);
        tensors["position_ids"] = prompt.PositionIds.Length == 1 ? Blob.Of(prompt.PositionIds[0])
            : Blob.Of([.. prompt.PositionIds.SelectMany(r => r)], prompt.PositionIds.Length, n);
        if (images.Length > 0) PictureTensors.Add(tensors, images, [.. images.Select(i => model.Vision.Encode(i, false).Features)]);
        var (trace, before) = (_plain.Trace!, first?._plain.Trace);
        foreach (var (i, h) in trace.Hidden) tensors[$"hidden.{i}"] = Blob.Of(Whole(h, before?.Hidden[i]), n, width);
        foreach (var (i, a) in trace.Attention) tensors[$"attention_row.{i}"] = Blob.Of(a, n);
        var logits = Whole(trace.Logits!, before?.Logits);
        tensors["logits"] = Blob.Of(logits, n, logits.Length / n);
        tensors["greedy_ids"] = Blob.Of(_plain.Ids);
        if (_penalized is not null)
        {
            tensors["greedy_ids_with_penalty"] = Blob.Of(_penalized.Ids);
            tensors["scores_with_penalty"] =
                Blob.Of([.. _penalized.Scores.SelectMany(s => s)], _penalized.Scores.Count, model.Decoder.Config.VocabularySize);
        }

        var prunings = new JsonArray();
        for (var i = 0; i < _pruned.Length; i++) prunings.Add(Pruned(_case.Prunings[i], _pruned[i], first?._pruned[i], tensors, width));
        return new ModelCaseResult(tensors, new JsonObject
        {
            ["name"] = _case.Name,
            ["prompt"] = prompt.Text,
            ["text"] = _runner.Model.Tokenizer.Decode([.. _plain.Ids.Select(i => (int)i)]),
            ["layout"] = new JsonArray([.. prompt.Layouts.Zip(images, Layout)]),
            ["next_position"] = prompt.NextPosition,
            ["prunings"] = prunings,
        });
    }

    // Rows of a reused beginning are those that the first answer computed.
    private static float[] Whole(float[] values, float[]? before) => before is null || values.Length >= before.Length ? values
        : [.. before[..^values.Length], .. values];

    private Run Make(PruningCase? pruning, double? penalty, ForwardTrace? trace)
    {
        var prepared = _runner.Executor.Prepare(new VisionRequest
        {
            Turns = _case.Turns,
            Generation = new GenerationSettings { IgnoreModelDefaults = true, Temperature = 0, MaxNewTokens = _case.MaxNewTokens,
                RepetitionPenalty = penalty },
            Pruning = pruning is null ? null : pruning.Settings with { Prior = "uniform", LayersAreExplicit = true },
        }, default);
        if (prepared.Pruning is { } choice)
            prepared = prepared with { Pruning = choice with { Prior = pruning!.UsePrior ? _runner.Prior : null } };
        return new Run(prepared with { Room = int.MaxValue }, trace, penalty is null ? 0 : StoredScores, _reuses);
    }

    private JsonObject Pruned(PruningCase p, Run run, Run? first, SortedDictionary<string, Blob> tensors, long width)
    {
        var (name, layers) = ($"pruned.{p.Name}", _runner.Model.Decoder.Config.Layers);
        var budgets = run.Sequence.Prepared.Pruning?.Budgets[0] ?? [];
        tensors[$"{name}.kept"] = Blob.Of([.. run.Images.SelectMany(i => i.KeptPositions).Order().Select(k => (long)k)]);
        for (var i = 0; i < run.Attention.Count; i++)
        {
            if (run.Attention[i] is { } attention)
                tensors[$"{name}.image{i}.a_rel"] = Blob.Of(RelativeAttention.Compute(attention, run.Priors[i]), attention.Length);
            if (run.Priors[i] is { } prior) tensors[$"{name}.image{i}.prior"] = Blob.Of(prior, prior.Length);
        }

        var hidden = Whole(run.Trace!.Hidden[layers], first?.Trace!.Hidden[layers]);
        tensors[$"{name}.hidden.{layers}"] = Blob.Of(hidden, hidden.Length / width, width);
        tensors[$"{name}.logits"] = Blob.Of(run.Logits, run.Logits.Length);
        tensors[$"{name}.greedy_ids"] = Blob.Of(run.Ids);
        return new JsonObject
        {
            ["name"] = p.Name,
            ["budgets"] = new JsonArray([.. budgets.Select(b => JsonValue.Create(b))]),
            ["kv_lengths"] = new JsonArray([.. run.Lengths.Select(l => JsonValue.Create(l))]),
            ["images"] = new JsonArray([.. run.Images.Select((r, i) => new JsonObject
            {
                ["n"] = budgets[i],
                ["pivots"] = r.Statistics.Pivots,
                ["fill"] = r.Statistics.Fill,
                ["edges"] = r.Statistics.Edges,
                ["s_min"] = r.Statistics.MinSimilarity,
                ["s_max"] = r.Statistics.MaxSimilarity,
            })]),
        };
    }

    private static JsonNode Layout(VisualTokenLayout layout, ProcessedImage image)
    {
        var json = new JsonObject
        {
            ["components"] = new JsonArray([.. layout.Components.Select(g => new JsonObject
            {
                ["name"] = g.Name,
                ["rows"] = g.Rows,
                ["cols"] = g.Columns,
                ["positions"] = new JsonArray([.. g.Positions.Select(p => JsonValue.Create(p))]),
            })]),
        };
        if (image.BestResolution is { } best) json["best"] = new JsonArray(best.Height, best.Width);
        if (image.Tiles is { } tiles) json["tiles"] = new JsonArray(tiles.Columns, tiles.Rows);
        return json;
    }

    /// <summary>One sequence and what is read from it while it runs.</summary>
    private sealed class Run
    {
        public Run(PreparedRequest prepared, ForwardTrace? trace, int scores, bool reuses)
        {
            Trace = trace;
            Sequence = new Sequence(prepared, default, default)
            {
                Trace = trace,
                Reuses = reuses,
                Prefilled = s =>
                {
                    Logits = (float[])s.Logits.Clone();
                    Lengths = s.Cache!.Mark();
                    (Images, Attention, Priors) = (s.Prefill!.Images, s.Prefill.Attention, s.Prefill.Priors);
                },
                Accepted = s =>
                {
                    if (Scores.Count < scores) Scores.Add((float[])s.Logits.Clone());
                },
            };
        }

        public Sequence Sequence { get; }

        public ForwardTrace? Trace { get; }

        public float[] Logits { get; private set; } = [];

        public int[] Lengths { get; private set; } = [];

        public IReadOnlyList<ImageReduction> Images { get; private set; } = [];

        public IReadOnlyList<float[]?> Attention { get; private set; } = [];

        public IReadOnlyList<float[]?> Priors { get; private set; } = [];

        public List<float[]> Scores { get; } = [];

        public long[] Ids => [.. Sequence.Answer!.Ids.Select(i => (long)i)];
    }
}
