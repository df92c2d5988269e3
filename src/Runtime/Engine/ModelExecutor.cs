using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Calibration;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Native;
using D2Pruner.AI.Runtime.Prompts;
using Microsoft.Extensions.Logging;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>Computes with a loaded model, on the engine's thread, in inference mode; prepares on its callers'.</summary>
internal sealed partial class ModelExecutor : IExecutor
{
    private readonly VisionLanguageModel _model;
    private readonly ILogger _logger;
    private readonly SelfCalibration? _self;
    private readonly VisionFeatureCache _features;
    private readonly PrefixCache _prefixes;
    private readonly Preparer _preparer;
    private int _visionBatch;
    private readonly string _precisionFlag;
    private const int WorthCopying = 64;
    private bool _warnedOfPrior;
    private long _visionRuns;

    public ModelExecutor(VisionLanguageModel model, VisionModelOptions options, ILogger? logger = null)
    {
        var device = model.Decoder.Device;
        _model = model;
        _logger = logger ?? Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;
        _self = options.SelfCalibrate ? new SelfCalibration(options.SelfCalibrationImages) : null;
        // One processor and tower an engine: their identity is the checkpoint's, the fit's and the type's.
        _features = new VisionFeatureCache(
            options.VisionCacheBytes, $"|{model.Info.Fingerprint}|{model.ImageProcessor.GetType().Name}|{model.Info.DType}");
        _prefixes = new PrefixCache(options.PrefixCacheBytes ?? (device.type == DeviceType.CUDA ? 2L << 30 : 1L << 30));
        _visionBatch = options.VisionBatch ?? (device.type == DeviceType.CUDA ? 8 : 1);
        _precisionFlag = PriorCatalog.PrecisionFlag(options.Quantization);
        MaxKvBytes = options.MaxKvBytes ?? DeviceMemory.KvBudget(device);
        _preparer = new Preparer(model, _features, MaxKvBytes);
    }

    public VisionModelInfo Model => _model.Info;

    public long MaxKvBytes { get; }

    public ExecutorMemory Memory => new()
    {
        WeightBytes = _model.WeightBytes,
        VisionCacheBytes = _features.Bytes,
        VisionRuns = Interlocked.Read(ref _visionRuns),
        PrefixCacheBytes = _prefixes.Bytes,
        PrefixQueries = _prefixes.Queries,
        PrefixHits = _prefixes.Hits,
    };

    /// <summary>Loads a model and stands ready to answer with it.</summary>
    public static IExecutor Load(
        VisionModelOptions options, IProgress<ModelLoadProgress>? progress, ILoggerFactory loggerFactory,
        CancellationToken cancellationToken)
    {
        var logger = loggerFactory.CreateLogger(typeof(ModelLoader).FullName!);
        return new ModelExecutor(ModelLoader.LoadModel(options, progress, logger, cancellationToken: cancellationToken), options, logger);
    }

    public void Validate(VisionRequest request) => _preparer.Validate(request);

    public void CheckImages(VisionRequest request) => Preparer.CheckImages(request);

    public PreparedRequest Prepare(VisionRequest request, CancellationToken cancellationToken) =>
        _preparer.Prepare(request, cancellationToken);

    public long Trim() => _prefixes.Clear() + _features.Clear();

    public void Prefill(Sequence sequence, Action atBorder, IReadOnlyList<Sequence> waiting)
    {
        using var inference = torch.inference_mode();
        using var scope = torch.NewDisposeScope();
        var (prepared, prompt) = (sequence.Prepared, sequence.Prepared.Prompt);
        var pruning = prepared.Pruning;
        var key = KeyOf(prepared);
        using var reuse = sequence.Reuses ? Find(prepared, key) : null;
        var timer = sequence.Timer = new PrefillTimer(_model.Decoder.Device, atBorder);
        See(prepared, reuse?.Use, waiting, timer.AtBorder);
        Synchronize();
        var vision = timer.Elapsed;
        var prior = pruning is null ? null : Prior(pruning);
        var answer = Math.Min(prepared.Generation.MaxNewTokens, prepared.Room);
        var prefill = PromptForward.Run(_model.Decoder, prompt, [.. prepared.Images.Select(i => i.Output)], new PrefillOptions
        {
            Pruner = pruning?.Pruner,
            Budgets = pruning?.Budgets ?? [],
            Prior = prior,
            EvictEarlyKv = pruning?.Settings.EvictEarlyKv ?? true,
            Room = Math.Min(answer, 256),
            Answer = answer,
            Reuse = reuse?.Use,
            Grow = reuse?.Chosen?.Use,
            KeepPrefix = PrefixToKeep(prepared, reuse?.Use),
            Observer = timer,
            Trace = sequence.Trace,
        }, CancellationToken.None);
        sequence.Prefill = prefill;
        sequence.Cache = prefill.Cache;
        sequence.Logits = prefill.Logits;
        sequence.NextPosition = prompt.NextPosition - prefill.State.PositionShift;
        if (prefill.Prefix is { } prefix)
        {
            _prefixes.Add(key[..prefix.Length], prefix);
            prefill.ReleasePrefix();
        }

        Learn(pruning, prompt, prefill);
        Synchronize();
        sequence.Summary = RequestReport.Of(sequence, prefill, prior, reuse, _model.Info, vision, timer);
        sequence.Begin(_model.Tokenizer);
    }

    public void AwaitSlice(Sequence sequence) => sequence.Timer?.AwaitSlice();

    public void Decode(IReadOnlyList<Sequence> sequences)
    {
        using var inference = torch.inference_mode();
        _model.Decoder.Step([.. sequences.Select(s => new DecodeRow(s.Cache!, s.Answer!.LastId, s.NextPosition, s.Logits))]);
        foreach (var s in sequences) s.NextPosition++;
    }

    public void Keep(Sequence sequence)
    {
        if (!_prefixes.IsOn || sequence.Prepared.Request.PrefixReuse == PrefixReuse.Off
            || sequence is not { Cache: { } cache, Prefill: { } prefill, Answer: { } answer }) return;
        var pruning = sequence.Prepared.Pruning;
        // The last id was never fed.
        long[] key = [.. KeyOf(sequence.Prepared), .. answer.Ids.SkipLast(1).Select(i => (long)i)];
        var layers = _model.Info.DecoderLayers;
        var whole = prefill.State.Length == prefill.State.PromptLength;
        if (!whole && sequence.Prepared.Request.PrefixReuse is not (PrefixReuse.Frozen or PrefixReuse.Grow)) return;
        // A grown cache is not in the order of positions.
        if (sequence.Summary!.Reused == PrefixReuse.Grow) return;
        // Of several stages without eviction, layers between the first and the last hold neither every token nor the chosen ones.
        if (!whole && cache.Lengths.Take(prefill.EarlyLayers).Any(held => held < key.Length)) return;
        // Merged rows or moved positions are no one's beginning.
        if (!whole && !prefill.State.Positions.AsSpan().SequenceEqual(prefill.State.PromptPositions)) return;
        var n = sequence.Prepared.Prompt.Length;
        var prefix = new PromptPrefix
        {
            Length = key.Length,
            Layers = layers,
            Cache = cache,
            Frozen = whole ? null : new FrozenChoice(
                [.. prefill.State.PromptPositions, .. Enumerable.Range(n, key.Length - n)], prefill.EarlyLayers, prefill.Images),
        };
        sequence.Cache = null;
        sequence.Prefill = null;
        var turn = sequence.Summary.ReusedTurn ?? sequence.Prepared.Request.Turns.Count - 1;
        _prefixes.Add(key, prefix, whole ? null : FrozenName(pruning!), turn);
    }

    public void Dispose()
    {
        _prefixes.Dispose();
        _features.Dispose();
        _model.Dispose();
    }

    private static long[] KeyOf(PreparedRequest prepared) => PrefixCache.KeyOf(prepared.Prompt, [.. prepared.Images.Select(i => i.Key)]);

    private static string FrozenName(PruningChoice pruning) =>
        string.Join('|', pruning.Settings, string.Join(',', pruning.Settings.Parameters.Select(p => $"{p.Key}={p.Value}")),
            string.Join(',', pruning.Budgets.SelectMany(b => b)), pruning.Prior?.Id);

    private FoundPrefix? Find(PreparedRequest prepared, long[] key)
    {
        var mode = prepared.Request.PrefixReuse;
        if (!_prefixes.IsOn || mode == PrefixReuse.Off) return null;
        // Only pruners of one stage grow.
        if (mode == PrefixReuse.Grow && prepared.Pruning?.Pruner.Schedule.Count > 1) mode = PrefixReuse.Exact;
        var (prompt, layers, border) = (prepared.Prompt, _model.Info.DecoderLayers, Border(prepared));
        var frozen = mode is PrefixReuse.Frozen or PrefixReuse.Grow && prepared.Pruning is { } p
            ? _prefixes.Find(key, prompt, layers, FrozenName(p)) : null;
        var exact = border > 0 && (frozen is null || mode == PrefixReuse.Grow) ? _prefixes.Find(key, prompt, border, null) : null;
        var found = (mode, frozen, exact) switch
        {
            (PrefixReuse.Grow, { } chosen, { } known) => new FoundPrefix(known, chosen, PrefixReuse.Grow),
            (PrefixReuse.Frozen, { } chosen, _) => new FoundPrefix(chosen, null, PrefixReuse.Frozen),
            (_, _, { } known) => new FoundPrefix(known, null, PrefixReuse.Exact),
            _ => null,
        };
        if (found?.How != PrefixReuse.Grow && found?.Known != frozen) frozen?.Dispose();
        _prefixes.Note(prompt.Length, found?.Use.Length ?? 0);
        return found;
    }

    // Layers whose results depend on nothing behind a position: K, L without pruning; 0 where the tower's own
    // signals decide or features come in levels.
    private int Border(PreparedRequest prepared) => prepared.Pruning switch
    {
        null => _model.Info.DecoderLayers,
        var p when p.Plan.Needs(PruningSignals.VisionClsAttention) => 0,
        var p => p.FullLayers,
    };

    // Nearly all of it: further turns begin with its text too. The last two tokens are left out, so that the same prompt asked again
    // reads two rows: of one alone attention rounds the query to the cache's type. A short text behind known images is no reason to
    // copy these again: many questions about one image would push out every other image's beginning.
    private int PrefixToKeep(PreparedRequest prepared, PrefixUse? use)
    {
        if (!_prefixes.IsOn || prepared.Request.PrefixReuse == PrefixReuse.Off || prepared.Pruning is null || Border(prepared) == 0
            || use is { Prefix.Frozen: not null }) return 0;
        if (prepared.Images.Any(i => i.Output?.Levels is not null)) return 0;
        var images = prepared.Prompt.VisualPositions.Max(p => p[^1]) + 1;
        var end = Math.Max(images, prepared.Prompt.Length - 2);
        return use is not null && use.Length >= images && end - use.Length < WorthCopying ? 0 : end;
    }

    // Runs the tower for images that nobody has encoded and no prefix holds.
    private void See(PreparedRequest prepared, PrefixUse? use, IReadOnlyList<Sequence> waiting, Action atBorder)
    {
        var clsAttention = NeedsClsAttention(prepared);
        for (var i = 0; i < prepared.Images.Count; i++)
        {
            var image = prepared.Images[i];
            if (prepared.Prompt.VisualPositions[i][0] < (use?.Length ?? 0)) continue;
            // The same image twice in one request is one image.
            if (image.Output is not null)
            {
                if (prepared.Images.Take(i).All(other => !ReferenceEquals(other, image))) Telemetry(hit: true);
                continue;
            }

            if (_features.Find(image.Key, clsAttention, long.MaxValue) is { } lease)
            {
                image.Take(lease);
                Telemetry(hit: true);
                continue;
            }

            atBorder();
            Encode(BatchOf(image, prepared, waiting, clsAttention), clsAttention, atBorder);
            Telemetry(hit: false);
        }

        void Telemetry(bool hit) => SequenceLog.Quietly(() => EngineTelemetry.LookedUp(_model.Info.Id, hit));
    }

    private static bool NeedsClsAttention(PreparedRequest prepared) =>
        prepared.Pruning?.Plan.Needs(PruningSignals.VisionClsAttention) == true;

    // The image, and images of the same pixel shape that are needed next. Those that need CLS attention wait for a run that gives it.
    private List<PreparedImage> BatchOf(
        PreparedImage image, PreparedRequest prepared, IReadOnlyList<Sequence> waiting, bool clsAttention)
    {
        List<PreparedImage> batch = [image];
        var shape = image.Pixels?.PixelShape ?? throw new InvalidOperationException("An image has neither pixels nor features.");
        var next = waiting.Select(s => s.Prepared).Where(p => clsAttention || !NeedsClsAttention(p)).SelectMany(p => p.Images);
        foreach (var other in prepared.Images.Concat(next))
        {
            if (batch.Count >= _visionBatch) break;
            if (other.Pixels is { } pixels && pixels.PixelShape.AsSpan().SequenceEqual(shape) && batch.TrueForAll(i => i.Key != other.Key))
                batch.Add(other);
        }

        return batch;
    }

    private void Encode(List<PreparedImage> batch, bool clsAttention, Action atBorder)
    {
        // Pixels of a waiting request may go with its caller at any moment.
        (PreparedImage Image, ProcessedImage Pixels)[] present =
            [.. batch.Select(i => (i, i.Pixels)).Where(i => i.Pixels is not null).Select(i => (i.i, i.Pixels!))];
        IReadOnlyList<VisionOutput> outputs;
        try
        {
            outputs = _model.Vision.EncodeBatch([.. present.Select(i => i.Pixels)], clsAttention, atBorder);
        }
        catch (Exception e) when (present.Length > 1 && EngineOutOfMemoryException.Is(e))
        {
            // The first is the one that is needed now; the others were only convenient, and later batches are smaller.
            _visionBatch = Math.Max(1, present.Length / 2);
            present = present[..1];
            outputs = _model.Vision.EncodeBatch([present[0].Pixels], clsAttention, atBorder);
        }

        for (var i = 0; i < present.Length; i++)
        {
            // A copy of its own where the batch's block would stay alive for one image.
            var features = present.Length == 1 ? outputs[i].Features.DetachFromDisposeScope()
                : outputs[i].Features.clone().DetachFromDisposeScope();
            _features.Add(present[i].Image.Key, present[i].Image.Plan, outputs[i] with { Features = features }, clsAttention);
            present[i].Image.Take(outputs[i] with { Features = features });
            Interlocked.Increment(ref _visionRuns);
        }
    }

    private PositionalBiasPrior? Prior(PruningChoice pruning)
    {
        var k = pruning.Settings.LayersBeforePruning;
        var learned = _self?.Find(k);
        var source = pruning.Plan.PriorSource(_model.Prior?.Layers ?? [], learned is not null);
        if (source == PriorSource.Learned) return learned;
        if (source == PriorSource.Missing && !_warnedOfPrior)
        {
            _warnedOfPrior = true;
            Log.NoPrior(_logger, k, _model.Info.Id, _model.Info.Folder, _precisionFlag);
        }

        return pruning.Prior;
    }

    private void Learn(PruningChoice? pruning, EncodedPrompt prompt, PrefillOutput prefill)
    {
        if (_self is null || pruning?.Settings is not { Prior: null, LayersBeforePruning: var k }
            || _model.Prior?.Layers.Contains(k) == true) return;
        for (var i = 0; i < prompt.Layouts.Count; i++)
        {
            if (prefill.Attention[i] is { } row) _self.Add(k, prompt.Layouts[i], row);
        }
    }

    // For honest times only: what was launched is awaited before a stage's clock is read.
    private void Synchronize()
    {
        if (_model.Decoder.Device.type == DeviceType.CUDA) torch.cuda.synchronize(_model.Decoder.Device);
    }

    private static partial class Log
    {
        [LoggerMessage(10, LogLevel.Warning,
            "No prior for K = {Layer} lies beside the model '{Model}'; attention is not debiased. Make one with: d2pruner calibrate " +
            "--model \"{Folder}\" --images FOLDER_OF_PICTURES --layers {Layer}{Flag}; or set the prior to 'uniform' to say that this is " +
            "meant.")]
        public static partial void NoPrior(ILogger logger, int layer, string model, string folder, string flag);
    }
}
