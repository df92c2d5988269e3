using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Evaluation.Data;
using D2Pruner.AI.Evaluation.Reports;
using D2Pruner.AI.Evaluation.Rivals;
using D2Pruner.AI.Evaluation.Statistics;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Models.LlavaNext;
using D2Pruner.AI.Runtime.Overlays;
using D2Pruner.AI.Runtime.Prompts;
using TorchSharp;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>Asks a model every question of some data sets under every condition, keeps the answers, and writes the report. Stopped at any
/// moment, it goes on where it was.</summary>
public sealed class EvaluationRun
{
    /// <summary>Name of the file with the answers.</summary>
    internal const string AnswersFile = "samples.jsonl";

    /// <summary>Name of the file that says what a folder's run is about.</summary>
    internal const string RunFileName = "run.json";

    /// <summary>Name of the file with what rivals learned from the run's first questions.</summary>
    internal const string FitsFile = "fits.json";

    private readonly EvaluationOptions _options;
    private Condition[] _conditions = []; // those that the model can run
    private RivalFits? _fits; // of the model

    private EvaluationRun(EvaluationOptions options) => _options = options;

    /// <summary>Runs (or goes on with) an evaluation.</summary>
    /// <param name="options">What to run.</param>
    /// <param name="progress">Told after every question; null for none.</param>
    /// <param name="cancellationToken">Observed between layers; what was answered until then stays.</param>
    /// <returns>The report, also written to the folder.</returns>
    /// <exception cref="ArgumentException">A method, budget or depth is not possible, or the folder holds a run of
    /// another model or other data.</exception>
    public static EvaluationReport Run(
        EvaluationOptions options, IProgress<EvaluationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new EvaluationRun(options).Execute(progress, cancellationToken);
    }

    private EvaluationReport Execute(IProgress<EvaluationProgress>? progress, CancellationToken cancellationToken)
    {
        foreach (var condition in _options.Conditions.Where(c => !c.IsUnpruned)) MethodSettings.Check(condition);
        if (_options.Workers < 1)
            throw new ArgumentException($"Workers is {_options.Workers}; it must be at least 1.", nameof(EvaluationOptions.Workers));
        if (_options.Keep.Any(n => n < 1)) throw new ArgumentException("A budget must be at least 1.", nameof(EvaluationOptions.Keep));
        using var model = ModelLoader.LoadModel(_options.Model, cancellationToken: cancellationToken);
        foreach (var k in _options.Layers.Where(k => k < 1 || k >= model.Info.DecoderLayers))
            throw new ArgumentException(
                $"K = {k} is outside 1..{model.Info.DecoderLayers - 1} of the model '{model.Info.Id}'.", nameof(EvaluationOptions.Layers));
        Refusal[] refusals = [.. from c in _options.Conditions
            let why = RivalCatalog.Find(c.Method)?.WhyNot(model, c)
            where why is not null
            select new Refusal(c.Method, c.Keep, c.Layer, why)];
        _conditions = [.. _options.Conditions.Where(c => !refusals.Any(r => (r.Method, r.Keep, r.Layer) == (c.Method, c.Keep, c.Layer)))];
        Directory.CreateDirectory(_options.OutputFolder);
        CheckFolder(model);
        _fits = new RivalFits(Path.Combine(_options.OutputFolder, FitsFile),
            [model.Info.Fingerprint, model.Info.DType, .. FirstQuestions().Select(q => $"{q.Data.Name} {q.Sample.Id}: {q.Sample.Prompt}")]);
        var (file, records) = RunFile.Open(Path.Combine(_options.OutputFolder, AnswersFile));
        var results = new EvaluationResults(_options.Data, records);
        using (file) Answer(model, file, results, progress, cancellationToken);
        var report = ReportBuilder.Build(_options, model.Info.Id, model.Info.Parameters, results, refusals);
        ReportWriter.Write(report, _options, results);
        if (!_options.Draw) return report;
        DrawLosses(model, results, cancellationToken);
        DrawKept(model, cancellationToken);
        return report;
    }

    private void Answer(VisionLanguageModel model, RunFile file, EvaluationResults results, IProgress<EvaluationProgress>? progress,
        CancellationToken cancellationToken)
    {
        // What is missing, an entry an image: questions about one image stand together.
        var open = _options.Data.SelectMany(d => d.Samples.Select(s => new Work(d, s, Missing(results, d, s))))
            .Where(w => w.Conditions.Length > 0).ToArray();
        var images = new ConcurrentQueue<Work[]>(Grouped(open));
        var (watch, total, fresh) = (Stopwatch.StartNew(), _options.Data.Sum(d => d.Samples.Count), 0);
        Workers.Run(_options.Workers, cancellationToken, (worker, stop) =>
        {
            using var own = worker == 0 ? null : ModelLoader.LoadModel(_options.Model, cancellationToken: stop);
            while (images.TryDequeue(out var questions))
            {
                using var image = new ImageSlot(own ?? model);
                foreach (var work in questions)
                {
                    var record = Ask(own ?? model, work, image, stop);
                    lock (file)
                    {
                        if (record.Answers.Count > 0)
                        {
                            results.Add(record);
                            file.Append(record);
                        }

                        fresh++;
                        progress?.Report(new EvaluationProgress(total - open.Length + fresh, total,
                            watch.Elapsed / fresh * (open.Length - fresh), $"{work.Data.Name} {work.Sample.Id}"));
                    }
                }
            }
        });
    }

    private static IEnumerable<Work[]> Grouped(Work[] open)
    {
        for (var i = 0; i < open.Length;)
        {
            var (first, end) = (open[i], i + 1);
            while (end < open.Length && first.Sample.ImageKey is { } key
                && (open[end].Data, open[end].Sample.ImageKey) == (first.Data, key)) end++;
            yield return open[i..end];
            i = end;
        }
    }

    private Condition[] Missing(EvaluationResults results, EvaluationData data, EvaluationSample sample)
    {
        var answered = results.AnswersOf(data.Name, sample.Id);
        return [.. _conditions.Where(
            c => answered?.ContainsKey(c.Key) != true && (c.Method != MethodSettings.Oracle || sample.Box is not null))];
    }

    private SampleRecord Ask(VisionLanguageModel model, Work work, ImageSlot image, CancellationToken cancellationToken)
    {
        var (data, sample, conditions) = work;
        using var inference = torch.inference_mode();
        var read = new List<(string Key, ForwardAnswer Answer)>();
        var known = new Dictionary<object, ForwardAnswer>();
        using var asked = Begin(model, sample, image, cancellationToken);
        var fit = Fits(model, cancellationToken);
        var counts = asked.Prompt.Layouts.Select(l => l.Count).ToArray();
        var (visual, other) = (counts.Sum(), asked.Prompt.Length - counts.Sum());
        foreach (var condition in conditions)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Two names of one thing ('default', or a method to which K means nothing) are asked once.
            var same = MethodSettings.Identity(condition, model.Info.DecoderLayers);
            if (!known.TryGetValue(same, out var answer))
            {
                if (asked.TryRead(condition, sample, image, fit) is not { } first) continue;
                known[same] = answer = first;
            }

            read.Add((condition.Key, answer));
        }

        asked.Forward.Finish();
        var answers = new Dictionary<string, SampleAnswer>();
        foreach (var (key, answer) in read)
        {
            var score = data.Score(sample, answer.Text);
            var cost = PrefillCost.Of(model.Decoder.Config, visual, other, answer.VisualTokens, model.Decoder.KvBytesPerToken);
            answers[key] = new SampleAnswer
            {
                Text = answer.Text,
                Score = score.Value,
                Iou = score.Iou is { } iou ? Math.Round(iou, 6) : null,
                Parsed = score.IsParsed ? null : false,
                Kept = cost.Kept,
                TokensPerLayer = Math.Round(cost.AverageTokensPerLayer, 3),
                Flops = cost.Flops,
                KvBytes = answer.CacheTokens * model.Decoder.KvBytesPerToken / model.Decoder.Config.Layers,
                PrefillMs = Math.Round(answer.PrefillTime.TotalMilliseconds, 3),
                PruneMs = Math.Round(answer.PruneTime.TotalMilliseconds, 3),
            };
        }

        return new SampleRecord { Data = data.Name, Id = sample.Id, Task = sample.Task, Image = sample.ImageKey, VisualTokens = visual,
            OtherTokens = other, Answers = answers };
    }

    private static Asked Begin(VisionLanguageModel model, EvaluationSample sample, ImageSlot image, CancellationToken cancellationToken)
    {
        var processed = image.Get(sample, cancellationToken);
        var turns = PublishedHarness.Turns(model, sample, processed is null ? null : image.Bytes);
        var prompt = Encoder(model, sample).Encode(turns, processed is null ? [] : [processed.Value.Image]);
        return new Asked(model, prompt,
            new SharedForward(model, prompt, processed is null ? [] : [processed.Value.Vision], cancellationToken)
            {
                MinNewTokens = sample.MinNewTokens,
            });
    }

    /// <summary>What encodes a question. LLaVA's templates put a turn's images first: what is to stand before the image goes with its
    /// placeholder.</summary>
    internal static PromptEncoder Encoder(VisionLanguageModel model, EvaluationSample sample)
    {
        var template = model.Blueprint.Template;
        return sample.BeforeImage.Length > 0 && model.Blueprint is LlavaBlueprint or LlavaNextBlueprint
            && model.Tokenizer.TokenToId(template.ImagePlaceholder) is { } id
            ? new PromptEncoder(model.Tokenizer, template, id, sample.BeforeImage + template.ImagePlaceholder, new SequentialPositions())
            : model.PromptEncoder;
    }

    private Func<Rival, Condition, IDecoderRival> Fits(VisionLanguageModel model, CancellationToken cancellationToken) =>
        (rival, condition) => _fits!.Get(rival, condition, () => BeginFirst(model, cancellationToken));

    // Questions to learn from: the first ones about different images.
    private IEnumerable<(EvaluationData Data, EvaluationSample Sample)> FirstQuestions() =>
        _options.Data.SelectMany(d => d.Samples.Select(s => (Data: d, Sample: s))).Where(q => q.Sample.ReadImage is not null)
            .DistinctBy(q => q.Sample.ImageKey ?? q.Sample.Id).Take(FitPruneTable.Questions);

    private List<SharedForward> BeginFirst(VisionLanguageModel model, CancellationToken cancellationToken)
    {
        var begun = new List<SharedForward>();
        foreach (var (_, sample) in FirstQuestions())
        {
            using var image = new ImageSlot(model);
            begun.Add(Begin(model, sample, image, cancellationToken).Forward);
        }

        return begun;
    }

    // Where a method lost what the unpruned model had: what it kept of the image.
    private void DrawLosses(VisionLanguageModel model, EvaluationResults results, CancellationToken cancellationToken)
    {
        const int most = 4;
        var fit = Fits(model, cancellationToken);
        using var inference = torch.inference_mode();
        foreach (var condition in Shown())
        {
            var losses = results.WorstLosses(condition, most);
            if (losses.Count == 0) continue;
            var panels = new List<(byte[] Png, string Title, string Below)>();
            foreach (var (data, sample) in losses)
            {
                using var image = new ImageSlot(model);
                using var asked = Begin(model, sample, image, cancellationToken);
                if (sample.ReadImage is null) continue;
                if (asked.TryAnswer(condition, sample, image, fit) is not { Images.Count: > 0 } answer) continue;
                var decoded = ImageDecoder.Decode(image.Bytes!);
                var overlay = TokenOverlay.Render(
                    decoded, asked.Prompt.Images[0].Map, asked.Prompt.Images[0].Grids, answer.Images[0].Kept.ToHashSet());
                panels.Add((overlay, sample.Question,
                    $"{results.AnswersOf(data.Name, sample.Id)![Condition.UnprunedName].Text} -> {answer.Text}"));
            }

            if (panels.Count > 0)
                AtomicFile.Write(Path.Combine(_options.OutputFolder, $"losses-{Plots.FileName(condition.Method)}.png"),
                    Plots.Sheet(panels, $"{condition.Key}: right unpruned, lost when pruned"));
        }
    }

    // One question under every method at the smallest budget, side by side (the paper's Figure 2).
    private void DrawKept(VisionLanguageModel model, CancellationToken cancellationToken)
    {
        if (_options.Data.SelectMany(d => d.Samples).Where(s => s.ReadImage is not null).MaxBy(s => s.Box is not null) is not { } sample)
            return;
        using var inference = torch.inference_mode();
        using var image = new ImageSlot(model);
        using var asked = Begin(model, sample, image, cancellationToken);
        var panels = new List<(byte[] Png, string Title, string Below)>();
        var fit = Fits(model, cancellationToken);
        foreach (var condition in Shown())
        {
            if (asked.TryAnswer(condition, sample, image, fit) is not { Images.Count: > 0 } answer) continue;
            var overlay = TokenOverlay.Render(
                ImageDecoder.Decode(image.Bytes!), asked.Prompt.Images[0].Map, asked.Prompt.Images[0].Grids,
                answer.Images[0].Kept.ToHashSet());
            panels.Add((overlay, condition.Method, answer.Text));
        }

        if (panels.Count > 0)
            AtomicFile.Write(Path.Combine(_options.OutputFolder, "kept.png"),
                Plots.Sheet(panels, $"{sample.Question} K = {_options.Layers[0]}, {_options.Keep.Min()} tokens"));
    }

    // Every method once, at the first depth and the smallest budget.
    private IEnumerable<Condition> Shown() =>
        _conditions.Where(c => !c.IsUnpruned && c.Layer == _options.Layers[0] && c.Keep == _options.Keep.Min());

    private void CheckFolder(VisionLanguageModel model)
    {
        var path = Path.Combine(_options.OutputFolder, RunFileName);
        var about = JsonNode.Parse(JsonSerializer.Serialize(
            new { model = model.Info.Id, fingerprint = model.Info.Fingerprint, dtype = model.Info.DType, seed = _options.Seed,
                data = _options.Data.Select(
                    d => new { name = d.Name, samples = d.Samples.Count, first = d.Samples.Count > 0 ? d.Samples[0].Id : null }),
                prior = PriorHash(model.Prior) }))!.AsObject();
        if (_options.Data.Any(d => d.Samples.Any(s => PublishedHarness.Applies(model, s)))) about["harness"] = "published";
        if (!File.Exists(path))
        {
            AtomicFile.Write(path, about.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
            return;
        }

        var found = Parse(path);
        if (found?.ContainsKey("prior") == false) about.Remove("prior"); // runs from before it stood there
        if (!JsonNode.DeepEquals(found, about))
            throw new ArgumentException(
                $"{_options.OutputFolder} holds a run of another model, prior, seed, harness or data set (see {RunFileName}); choose " +
                "another --out. Methods and budgets may be added to a run, the rest stays.");
    }

    private static JsonObject? Parse(string path)
    {
        try
        {
            return JsonNode.Parse(RegularFile.ReadAllText(path)) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // The prior is no part of the model's fingerprint, and answers depend on it.
    private static string PriorHash(PositionalBiasPrior? prior)
    {
        if (prior is null) return "none";
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var ((layer, component), map) in prior.Maps.OrderBy(m => m.Key))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"K{layer}.{component} {map.Rows}x{map.Columns}\n"));
            hash.AppendData(MemoryMarshal.AsBytes<float>(map.Values));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private sealed record Work(EvaluationData Data, EvaluationSample Sample, Condition[] Conditions);

    // The last image that was read, with its features: questions about one image stand together.
    private sealed class ImageSlot(VisionLanguageModel model) : IDisposable
    {
        private string? _key;
        private ProcessedImage? _image;
        private VisionOutput? _vision;
        private RivalImage? _rivals;

        /// <summary>The last image as rivals see it; null where the tower is none that they know.</summary>
        public RivalImage? Rivals =>
            _rivals ??= _image is not null && TowerView.Of(model, _image) is { } tower ? new RivalImage(tower) : null;

        public byte[]? Bytes { get; private set; }

        public (ProcessedImage Image, VisionOutput Vision)? Get(EvaluationSample sample, CancellationToken cancellationToken)
        {
            if (sample.ReadImage is null) return null;
            if (_vision is not null && sample.ImageKey is not null && sample.ImageKey == _key) return (_image!, _vision);
            Dispose();
            Bytes = sample.ReadImage();
            _image = PublishedHarness.Images(model, sample).Process(
                ImageDecoder.Decode(Bytes, null, cancellationToken), cancellationToken);
            _vision = model.Vision.Encode(_image, true, cancellationToken.ThrowIfCancellationRequested);
            _vision.Features.DetachFromDisposeScope();
            _key = sample.ImageKey;
            return (_image, _vision);
        }

        public void Dispose()
        {
            _vision?.Features.Dispose();
            (_vision, _rivals) = (null, null);
        }
    }

    private sealed class Asked(VisionLanguageModel model, EncodedPrompt prompt, SharedForward forward) : IDisposable
    {
        public EncodedPrompt Prompt => prompt;

        public SharedForward Forward => forward;

        /// <summary>The answer; null where the published code fails on this question.</summary>
        public ForwardAnswer? TryAnswer(
            Condition condition, EvaluationSample sample, ImageSlot image, Func<Rival, Condition, IDecoderRival> fit)
        {
            var answer = TryRead(condition, sample, image, fit);
            forward.Finish();
            return answer;
        }

        /// <summary>The answer, to be finished; null where the published code fails on this question.</summary>
        public ForwardAnswer? TryRead(
            Condition condition, EvaluationSample sample, ImageSlot image, Func<Rival, Condition, IDecoderRival> fit)
        {
            if (condition.IsUnpruned || prompt.Layouts.Count == 0) return forward.Read(null, [], null, true, sample.MaxNewTokens);
            if (RivalCatalog.Find(condition.Method) is not { } rival) return Served(condition, sample);
            try
            {
                if (rival.Input is not null) return forward.Read(image.Rivals!, rival, condition.Keep, sample.MaxNewTokens);
                var stages = rival.Fit is not null ? fit(rival, condition) : rival.Stages!(model, condition);
                return forward.Read(stages, sample.MaxNewTokens);
            }
            catch (PublishedFailureException)
            {
                return null;
            }
        }

        public void Dispose() => forward.Dispose();

        private ForwardAnswer Served(Condition condition, EvaluationSample sample)
        {
            var settings = MethodSettings.Of(condition);
            var pruner = MethodSettings.Create(settings, sample, prompt, model.Info.DecoderLayers);
            var budgets = pruner?.Schedule.Select(s => BudgetSplit.Split(s.Budget, [.. prompt.Layouts.Select(l => l.Count)]))
                .ToArray() ?? [];
            var prior = settings.Prior == PruningPlan.UniformPrior ? null : model.Prior;
            return forward.Read(pruner, budgets, prior, settings.EvictEarlyKv, sample.MaxNewTokens);
        }
    }
}
