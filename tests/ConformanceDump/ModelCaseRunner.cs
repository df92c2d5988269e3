using D2Pruner.AI.Runtime.Prompts;
using System.Text.Json.Nodes;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Generation;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using TorchSharp;

namespace D2Pruner.AI.Conformance;

/// <summary>Computes the cases of a model folder through the runtime, in fp32 unless asked otherwise.</summary>
public sealed class ModelCaseRunner : IDisposable
{
    /// <summary>Steps whose scores after the repetition penalty are stored.</summary>
    private const int StoredScores = 3;

    private readonly VisionLanguageModel _model;
    private readonly PositionalBiasPrior? _prior;

    public ModelCaseRunner(string folder, ModelPrecision precision = ModelPrecision.Float32, string device = "cpu")
    {
        _model = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = Path.Combine(folder, "model"), Device = device, Precision = precision });
        var prior = Path.Combine(folder, "priors.safetensors");
        _prior = File.Exists(prior) ? PriorFile.Load(prior) : _model.Prior;
    }

    public VisionLanguageModel Model => _model;

    public PositionalBiasPrior? Prior => _prior;

    public ModelCaseResult Compute(ModelCase c)
    {
        using var inference = torch.inference_mode();
        using var scope = torch.NewDisposeScope();
        var tensors = new SortedDictionary<string, Blob>(StringComparer.Ordinal);
        var prompt = _model.Encode(c.Turns, null, default);
        var vision = prompt.Images.Select(i => _model.Vision.Encode(i, false, default)).ToList();
        long n = prompt.Length;
        var (layers, width) = (_model.Decoder.Config.Layers, _model.Decoder.Config.HiddenSize);
        tensors["input_ids"] = Blob.Of(prompt.TokenIds);
        tensors["position_ids"] = prompt.PositionIds.Length == 1 ? Blob.Of(prompt.PositionIds[0]) : Blob.Of([.. prompt.PositionIds.SelectMany(r => r)], prompt.PositionIds.Length, n);
        if (prompt.Images.Count > 0) PictureTensors.Add(tensors, prompt.Images, [.. vision.Select(v => v.Features)]);

        var trace = new ForwardTrace { RecordHidden = true, RecordAttention = true, RecordAllLogits = true };
        var (greedy, text) = Run(c, prompt, vision, new PrefillOptions { Trace = trace }, null);
        foreach (var (i, h) in trace.Hidden) tensors[$"hidden.{i}"] = Blob.Of(h, n, width);
        foreach (var (i, a) in trace.Attention) tensors[$"attention_row.{i}"] = Blob.Of(a, n);
        tensors["logits"] = Blob.Of(trace.Logits!, n, trace.Logits!.Length / n);
        tensors["greedy_ids"] = Blob.Of(greedy);
        if (_model.Generation.RepetitionPenalty is { } penalty and not 1)
        {
            var scores = new List<float[]>();
            tensors["greedy_ids_with_penalty"] = Blob.Of(Run(c, prompt, vision, new PrefillOptions(), penalty, scores: scores).Ids);
            tensors["scores_with_penalty"] = Blob.Of([.. scores.SelectMany(s => s)], scores.Count, _model.Decoder.Config.VocabularySize);
        }

        var prunings = new JsonArray();
        foreach (var p in c.Prunings) prunings.Add(Prune(c, p, prompt, vision, tensors, layers, width));
        var json = new JsonObject
        {
            ["name"] = c.Name,
            ["prompt"] = prompt.Text,
            ["text"] = text,
            ["layout"] = new JsonArray([.. prompt.Layouts.Zip(prompt.Images, Layout)]),
            ["next_position"] = prompt.NextPosition,
            ["prunings"] = prunings,
        };
        return new ModelCaseResult(tensors, json);
    }

    public void Dispose() => _model.Dispose();

    private JsonObject Prune(ModelCase c, PruningCase p, EncodedPrompt prompt, IReadOnlyList<VisionOutput> vision, SortedDictionary<string, Blob> tensors, int layers, int width)
    {
        var pruner = PrunerFactory.Create(p.Settings);
        var budgets = BudgetSplit.Split(p.Settings.Budget, [.. prompt.Layouts.Select(l => l.Count)]);
        var trace = new ForwardTrace { RecordLastHidden = true };
        var options = new PrefillOptions
        {
            Pruner = pruner,
            Budgets = [budgets],
            Prior = p.UsePrior ? _prior : null,
            EvictEarlyKv = p.Settings.EvictEarlyKv,
            Trace = trace,
        };
        PrefillOutput? output = null;
        int[]? lengths = null;
        float[]? logits = null;
        var (greedy, _) = Run(c, prompt, vision, options, null, o => (output, lengths, logits) = (o, [.. o.Cache.Lengths], (float[])o.Logits.Clone()));
        var name = $"pruned.{p.Name}";
        tensors[$"{name}.kept"] = Blob.Of([.. output!.Images.SelectMany(i => i.KeptPositions).Order().Select(k => (long)k)]);
        for (var i = 0; i < vision.Count; i++)
        {
            if (output.Attention[i] is { } attention) tensors[$"{name}.image{i}.a_rel"] = Blob.Of(RelativeAttention.Compute(attention, output.Priors[i]), attention.Length);
            if (output.Priors[i] is { } prior) tensors[$"{name}.image{i}.prior"] = Blob.Of(prior, prior.Length);
        }

        tensors[$"{name}.hidden.{layers}"] = Blob.Of(trace.Hidden[layers], output.State.Length, width);
        tensors[$"{name}.logits"] = Blob.Of(logits!, logits!.Length);
        tensors[$"{name}.greedy_ids"] = Blob.Of(greedy);
        return new JsonObject
        {
            ["name"] = p.Name,
            ["budgets"] = new JsonArray([.. budgets.Select(b => JsonValue.Create(b))]),
            ["kv_lengths"] = new JsonArray([.. lengths!.Select(l => JsonValue.Create(l))]),
            ["images"] = new JsonArray([.. output.Images.Select((r, i) => new JsonObject
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

    private (long[] Ids, string Text) Run(ModelCase c, EncodedPrompt prompt, IReadOnlyList<VisionOutput> vision, PrefillOptions options, double? penalty, Action<PrefillOutput>? onPrefill = null, List<float[]>? scores = null)
    {
        using var prefill = PromptForward.Run(_model.Decoder, prompt, vision, options with { Room = c.MaxNewTokens }, default);
        onPrefill?.Invoke(prefill);
        var settings = _model.Generation.Merge(new GenerationSettings { IgnoreModelDefaults = true, Temperature = 0, MaxNewTokens = c.MaxNewTokens, RepetitionPenalty = penalty });
        var position = prompt.NextPosition;
        var outcome = TokenLoop.Run(
            prefill.Logits,
            id =>
            {
                Note();
                _model.Decoder.Step(prefill.Cache, id, position++, prefill.Logits, default);
            },
            prompt.TokenIds.Select(i => (int)i),
            settings,
            _model.Tokenizer,
            int.MaxValue,
            _ => { },
            default);
        if (scores?.Count < outcome.Ids.Count) Note();
        return ([.. outcome.Ids.Select(i => (long)i)], _model.Tokenizer.Decode([.. outcome.Ids]));

        // The loop applies penalties in place: between two steps the buffer holds the scores that the last id was chosen from.
        void Note()
        {
            if (scores?.Count < StoredScores) scores.Add((float[])prefill.Logits.Clone());
        }
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
}
