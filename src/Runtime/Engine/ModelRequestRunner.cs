using D2Pruner.AI.Runtime.Prompts;
using System.Diagnostics;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Calibration;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Generation;
using D2Pruner.AI.Runtime.Generation.Constraints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using Microsoft.Extensions.Logging;
using TorchSharp;

namespace D2Pruner.AI.Runtime;

/// <summary>Answers requests with a loaded model, on the engine's thread, in inference mode.</summary>
internal sealed partial class ModelRequestRunner(VisionLanguageModel model, ILogger logger, SelfCalibration? self = null, long visionCacheBytes = 0) : IRequestRunner
{
    private readonly ConstraintCache _constraints = new(model.Tokenizer, model.Generation.StopIds);
    // One processor and tower an engine: their identity is the checkpoint's, the fit's and the type's.
    private readonly VisionFeatureCache _features = new(visionCacheBytes, $"|{model.Info.Fingerprint}|{model.ImageProcessor.GetType().Name}|{model.Info.DType}");
    private bool _warnedOfPrior;
    private long _visionRuns;

    /// <summary>Loads a model and stands ready to answer with it.</summary>
    public static IRequestRunner Load(VisionModelOptions options, IProgress<ModelLoadProgress>? progress, ILoggerFactory loggerFactory, CancellationToken cancellationToken)
    {
        var logger = loggerFactory.CreateLogger(typeof(ModelLoader).FullName!);
        var self = options.SelfCalibrate ? new SelfCalibration(options.SelfCalibrationPictures) : null;
        return new ModelRequestRunner(ModelLoader.LoadModel(options, progress, logger, cancellationToken: cancellationToken), logger, self, options.VisionCacheBytes);
    }

    public VisionModelInfo Model => model.Info;

    public long WeightBytes => model.WeightBytes;

    public long VisionCacheBytes => _features.Bytes;

    public long VisionRuns => Interlocked.Read(ref _visionRuns);

    public long Trim() => _features.Clear();

    public void Validate(VisionRequest request)
    {
        model.Generation.Merge(request.Generation);
        if (request.Pruning is not { } p) return;
        var layers = model.Info.DecoderLayers;
        if (p.LayersAreExplicit && (p.LayersBeforePruning < 0 || p.LayersBeforePruning >= layers))
            throw new ArgumentOutOfRangeException(nameof(request), p.LayersBeforePruning, $"K = {p.LayersBeforePruning} is outside 0..{layers - 1}: the model '{model.Info.Id}' has {layers} layers.");
        PrunerFactory.Create(Capped(p));
    }

    public void Run(VisionRequest request, TimeSpan queueTime, Action<GenerationEvent> emit, CancellationToken cancellationToken)
    {
        using var inference = torch.inference_mode();
        using var scope = torch.NewDisposeScope();
        var settings = model.Generation.Merge(request.Generation);
        var watch = Stopwatch.StartNew();
        var limits = request.MaxImagePixels is { } pixels ? new ImageLimits(pixels) : null;
        ImagePart[] parts = [.. request.Turns.SelectMany(t => t.Parts).OfType<ImagePart>()];
        var pruning = request.Pruning is { } p && parts.Length > 0 ? Capped(p) : null;
        var pruner = pruning is null ? null : PrunerFactory.Create(pruning);
        var clsAttention = pruner?.Schedule.Any(s => s.Signals.HasFlag(PruningSignals.VisionClsAttention)) == true;
        var pictures = Pictures(parts, limits, clsAttention, cancellationToken);
        var prompt = model.PromptEncoder.Encode(request.Turns, [.. pictures.Select(i => i.Image)], request.Tools);
        var room = model.Info.ContextLength - prompt.Length;
        if (room < 1)
        {
            var visual = prompt.Images.Sum(i => i.TokenCount);
            throw new PromptException($"The prompt has {prompt.Length} tokens ({visual} of them visual), but the context holds {model.Info.ContextLength}. Send fewer or smaller pictures, or less text.", VisionErrorKind.TooLarge);
        }

        var constraint = request.Generation.Grammar is { } grammar ? _constraints.Create((Grammar)grammar) : null;
        var preprocess = Lap(watch);
        foreach (var picture in pictures)
        {
            // The same picture twice in one request is one picture.
            if (picture.Output is not null) continue;
            cancellationToken.ThrowIfCancellationRequested();
            picture.Output = model.Vision.Encode(picture.Image, clsAttention, cancellationToken);
            Interlocked.Increment(ref _visionRuns);
        }

        VisionOutput[] vision = [.. pictures.Select(i => i.Output!)];
        if (model.Decoder.Device.type == DeviceType.CUDA) torch.cuda.synchronize();
        var visionTime = Lap(watch);
        var prior = pruning is null ? null : Prior(pruning);
        using var prefill = PromptForward.Run(model.Decoder, prompt, vision, new PrefillOptions
        {
            Pruner = pruner,
            Budgets = pruner is null ? [] : [.. pruner.Schedule.Select(s => Budget(s.Budget, prompt, request))],
            Prior = prior,
            EvictEarlyKv = pruning?.EvictEarlyKv ?? true,
            Room = Math.Min(Math.Min(settings.MaxNewTokens, room), 256),
        }, cancellationToken);
        foreach (var picture in pictures.Distinct().Where(i => !i.IsCached))
        {
            _features.Add(picture.Key, picture.Image, picture.Output!, clsAttention);
            picture.Output!.Features.Dispose();
        }

        Learn(pruning, prompt, prefill);
        var summary = new PrefillSummary
        {
            PromptTokens = prompt.Length,
            PromptTokensKept = prefill.State.Length,
            Images = [.. prompt.Images.Select((_, i) => Describe(prompt, prefill, i, request.IncludeScores))],
            Pruning = pruning,
            Prior = pruning is null || !pruner!.Schedule.Any(s => s.Signals.HasFlag(PruningSignals.LastRowAttention)) ? null : UsedPrior(prior, prefill),
            KvBytes = prefill.Cache.Bytes,
            KvBytesUnpruned = prompt.Length * model.Info.KvBytesPerToken,
            QueueTime = queueTime,
            PreprocessTime = preprocess,
            VisionTime = visionTime,
            PrefillTime = Lap(watch),
            PruneTime = prefill.PruneTime,
        };
        emit(new PrefillCompleted(summary));
        var position = prompt.NextPosition;
        var outcome = TokenLoop.Run(
            prefill.Logits,
            id => model.Decoder.Step(prefill.Cache, id, position++, prefill.Logits, cancellationToken),
            prompt.TokenIds.Select(i => (int)i),
            settings,
            model.Tokenizer,
            room,
            text => emit(new TextDelta(text)),
            cancellationToken,
            constraint);
        emit(new GenerationCompleted(new GenerationResult
        {
            Text = outcome.Text,
            TokenIds = outcome.Ids,
            FinishReason = outcome.FinishReason,
            Prefill = summary,
            DecodeTime = Lap(watch),
        }));
    }

    public void Dispose()
    {
        _features.Dispose();
        model.Dispose();
    }

    private List<Picture> Pictures(ImagePart[] parts, ImageLimits? limits, bool clsAttention, CancellationToken cancellationToken)
    {
        var pictures = new List<Picture>(parts.Length);
        foreach (var part in parts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var key = _features.Key(part.Bytes.Span);
            var picture = pictures.Find(i => i.Key == key);
            if (picture is null)
            {
                var cached = _features.Find(key, clsAttention, (limits ?? ImageLimits.Default).MaxPixels);
                EngineTelemetry.LookedUp(model.Info.Id, cached is not null);
                picture = cached is var (image, output)
                    ? new Picture(key, image, true) { Output = output }
                    : new Picture(key, model.ImageProcessor.Process(ImageDecoder.Decode(part.Bytes, limits)), false);
            }

            pictures.Add(picture);
        }

        return pictures;
    }

    private PruningSettings Capped(PruningSettings p) => p.LayersAreExplicit ? p : p with { LayersBeforePruning = Math.Min(p.LayersBeforePruning, model.Info.DecoderLayers - 1) };

    private PositionalBiasPrior? Prior(PruningSettings p)
    {
        if (p.Prior == "uniform") return null;
        if (p.Prior is { } path)
        {
            var named = PriorFile.Load(path);
            PriorMismatchException.Check(named, path, model.Info, p.LayersBeforePruning);
            return named;
        }

        if (model.Prior?.Layers.Contains(p.LayersBeforePruning) != true && self?.Find(p.LayersBeforePruning) is { } learned) return learned;
        if (model.Prior?.Layers.Contains(p.LayersBeforePruning) != true && !_warnedOfPrior && p.Method == "d2pruner")
        {
            _warnedOfPrior = true;
            Log.NoPrior(logger, p.LayersBeforePruning, model.Info.Id, model.Info.Folder);
        }

        return model.Prior;
    }

    private void Learn(PruningSettings? pruning, EncodedPrompt prompt, PrefillOutput prefill)
    {
        if (self is null || pruning is null || pruning.Prior is not null || model.Prior?.Layers.Contains(pruning.LayersBeforePruning) == true) return;
        for (var i = 0; i < prompt.Layouts.Count; i++)
        {
            if (prefill.Attention[i] is { } row) self.Add(pruning.LayersBeforePruning, prompt.Layouts[i], row);
        }
    }

    private static string UsedPrior(PositionalBiasPrior? prior, PrefillOutput prefill) =>
        prior is not null && prefill.Priors.Any(p => p is not null) ? prior.Id : "uniform";

    private static int[] Budget(TokenBudget budget, EncodedPrompt prompt, VisionRequest request)
    {
        TokenBudget?[] own =
        [
            .. request.Turns.SelectMany(t => t.Parts).OfType<ImagePart>().Select(i =>
                i.KeepAll ? TokenBudget.OfRatio(1) : i.KeepRatio is { } r ? TokenBudget.OfRatio(r) : i.KeepTokens is { } t ? TokenBudget.OfTokens(t) : (TokenBudget?)null),
        ];
        return BudgetSplit.Split(budget, [.. prompt.Layouts.Select(l => l.Count)], own);
    }

    private static ImagePruning Describe(EncodedPrompt prompt, PrefillOutput prefill, int i, bool scores)
    {
        var reduction = prefill.Images.Count > i ? prefill.Images[i] : null;
        return new ImagePruning
        {
            ImageIndex = i,
            VisualTokens = prompt.Layouts[i].Count,
            Kept = reduction?.Kept ?? [.. Enumerable.Range(0, prompt.Layouts[i].Count)],
            Layout = prompt.Layouts[i],
            Map = prompt.Images[i].Map,
            Width = prompt.Images[i].OriginalWidth,
            Height = prompt.Images[i].OriginalHeight,
            Statistics = reduction is null ? SelectionStatistics.Empty : scores ? reduction.Statistics : reduction.Statistics with { Scores = null },
            Attention = scores ? prefill.Attention[i] : null,
            PriorMap = scores ? prefill.Priors[i] : null,
        };
    }

    private sealed class Picture(string key, ProcessedImage image, bool isCached)
    {
        public string Key { get; } = key;

        public ProcessedImage Image { get; } = image;

        public bool IsCached { get; } = isCached;

        public VisionOutput? Output { get; set; }
    }

    private static TimeSpan Lap(Stopwatch watch)
    {
        var elapsed = watch.Elapsed;
        watch.Restart();
        return elapsed;
    }

    private static partial class Log
    {
        [LoggerMessage(10, LogLevel.Warning, "No prior for K = {Layer} lies beside the model '{Model}'; attention is not debiased. Make one with: d2pruner calibrate --model \"{Folder}\" --images FOLDER_OF_PICTURES --layers {Layer}; or set the prior to 'uniform' to say that this is meant.")]
        public static partial void NoPrior(ILogger logger, int layer, string model, string folder);
    }
}
