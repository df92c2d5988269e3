using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Calibration;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Native;
using D2Pruner.AI.Runtime.Prompts;
using Microsoft.Extensions.Logging;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>Computes with a loaded model, on the engine's thread, in inference mode; prepares on its callers'.</summary>
internal sealed partial class ModelExecutor : IExecutor
{
    // Own kernels give each of up to this many rows what it gives alone; more rows go in groups.
    private const int RowsAtOnce = 16;

    private readonly VisionLanguageModel _model;
    private readonly ILogger _logger;
    private readonly SelfCalibration? _self;
    private readonly VisionFeatureCache _features;
    private readonly PrefixCache _prefixes;
    private readonly Preparer _preparer;
    private bool _warnedOfPrior;
    private long _visionRuns;

    public ModelExecutor(VisionLanguageModel model, VisionModelOptions options, ILogger? logger = null)
    {
        var device = model.Decoder.Device;
        _model = model;
        _logger = logger ?? Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;
        _self = options.SelfCalibrate ? new SelfCalibration(options.SelfCalibrationPictures) : null;
        // One processor and tower an engine: their identity is the checkpoint's, the fit's and the type's.
        _features = new VisionFeatureCache(options.VisionCacheBytes, $"|{model.Info.Fingerprint}|{model.ImageProcessor.GetType().Name}|{model.Info.DType}");
        _prefixes = new PrefixCache(options.PrefixCacheBytes ?? (device.type == DeviceType.CUDA ? 2L << 30 : 1L << 30));
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
    public static IExecutor Load(VisionModelOptions options, IProgress<ModelLoadProgress>? progress, ILoggerFactory loggerFactory, CancellationToken cancellationToken)
    {
        var logger = loggerFactory.CreateLogger(typeof(ModelLoader).FullName!);
        return new ModelExecutor(ModelLoader.LoadModel(options, progress, logger, cancellationToken: cancellationToken), options, logger);
    }

    public void Validate(VisionRequest request) => _preparer.Validate(request);

    public PreparedRequest Prepare(VisionRequest request, CancellationToken cancellationToken) => _preparer.Prepare(request, cancellationToken);

    public long Trim() => _prefixes.Clear() + _features.Clear();

    public void Prefill(Sequence sequence, Action atBorder)
    {
        using var inference = torch.inference_mode();
        using var scope = torch.NewDisposeScope();
        var (prepared, prompt) = (sequence.Prepared, sequence.Prepared.Prompt);
        var pruning = prepared.Pruning;
        var key = KeyOf(prepared);
        var reuse = sequence.Reuses ? Find(prepared, key) : null;
        var timer = new PrefillTimer(_model.Decoder.Device, atBorder);
        See(prepared, reuse?.Use, timer.AtBorder);
        Synchronize();
        var vision = timer.Elapsed;
        var prior = pruning is null ? null : Prior(pruning);
        var prefill = PromptForward.Run(_model.Decoder, prompt, [.. prepared.Images.Select(i => i.Output)], new PrefillOptions
        {
            Pruner = pruning?.Pruner,
            Budgets = pruning?.Budgets ?? [],
            Prior = prior,
            EvictEarlyKv = pruning?.Settings.EvictEarlyKv ?? true,
            Room = Math.Min(Math.Min(prepared.Generation.MaxNewTokens, prepared.Room), 256),
            Reuse = reuse?.Use,
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

    public void Decode(IReadOnlyList<Sequence> sequences)
    {
        using var inference = torch.inference_mode();
        for (var from = 0; from < sequences.Count; from += RowsAtOnce)
        {
            var group = sequences.Skip(from).Take(RowsAtOnce).ToArray();
            _model.Decoder.Step([.. group.Select(s => new DecodeRow(s.Cache!, s.Answer!.LastId, s.NextPosition, s.Logits))]);
            foreach (var s in group) s.NextPosition++;
        }
    }

    public void Keep(Sequence sequence)
    {
        if (!_prefixes.IsOn || sequence.Prepared.Request.PrefixReuse == PrefixReuse.Off || sequence is not { Cache: { } cache, Prefill: { } prefill, Answer: { } answer }) return;
        var pruning = sequence.Prepared.Pruning;
        // The last id was never fed.
        long[] key = [.. KeyOf(sequence.Prepared), .. answer.Ids.SkipLast(1).Select(i => (long)i)];
        var layers = _model.Info.DecoderLayers;
        var whole = prefill.State.Length == prefill.State.PromptLength;
        if (!whole && sequence.Prepared.Request.PrefixReuse != PrefixReuse.Frozen) return;
        // Merged rows or moved positions are no one's beginning.
        if (!whole && !prefill.State.Positions.AsSpan().SequenceEqual(prefill.State.PromptPositions)) return;
        var n = sequence.Prepared.Prompt.Length;
        var prefix = new PromptPrefix
        {
            Length = key.Length,
            Layers = layers,
            Cache = cache,
            Frozen = whole ? null : new FrozenChoice([.. prefill.State.PromptPositions, .. Enumerable.Range(n, key.Length - n)], prefill.EarlyLayers, prefill.Images),
        };
        sequence.Cache = null;
        sequence.Prefill = null;
        var turn = sequence.Summary!.ReusedTurn ?? sequence.Prepared.Request.Turns.Count - 1;
        _prefixes.Add(key, prefix, whole ? null : FrozenName(pruning!), turn);
    }

    public void Dispose()
    {
        _prefixes.Dispose();
        _features.Dispose();
        _model.Dispose();
    }

    private static long[] KeyOf(PreparedRequest prepared) => PrefixCache.KeyOf(prepared.Prompt, [.. prepared.Images.Select(i => i.Key)]);

    private static string FrozenName(PruningChoice pruning) => $"{pruning.Settings}|{pruning.Prior?.Id}";

    private (PrefixUse Use, int Turn, PrefixReuse How)? Find(PreparedRequest prepared, long[] key)
    {
        var mode = prepared.Request.PrefixReuse;
        if (!_prefixes.IsOn || mode == PrefixReuse.Off) return null;
        var (prompt, layers) = (prepared.Prompt, _model.Info.DecoderLayers);
        var found = mode == PrefixReuse.Frozen && prepared.Pruning is { } p && _prefixes.Find(key, prompt, layers, FrozenName(p)) is var (use, turn)
            ? (use, turn, PrefixReuse.Frozen)
            : ((PrefixUse Use, int Turn, PrefixReuse How)?)null;
        if (found is null && Border(prepared) is > 0 and var border && _prefixes.Find(key, prompt, border, null) is var (exact, _)) found = (exact, 0, PrefixReuse.Exact);
        _prefixes.Note(prompt.Length, found?.Use.Length ?? 0);
        return found;
    }

    // Layers whose results depend on nothing behind a position: K, L without pruning; 0 where the tower's own signals decide or features come in levels.
    private int Border(PreparedRequest prepared) => prepared.Pruning switch
    {
        null => _model.Info.DecoderLayers,
        var p when p.Plan.Needs(PruningSignals.VisionClsAttention) => 0,
        var p => p.FullLayers,
    };

    // Up to the last image's end: the text behind it is short, and another question's differs.
    private int PrefixToKeep(PreparedRequest prepared, PrefixUse? use)
    {
        if (!_prefixes.IsOn || prepared.Request.PrefixReuse == PrefixReuse.Off || prepared.Pruning is null || Border(prepared) == 0 || use is { Prefix.Frozen: not null }) return 0;
        if (prepared.Images.Any(i => i.Output?.Levels is not null)) return 0;
        var end = prepared.Prompt.VisualPositions.Max(p => p[^1]) + 1;
        return use is not null && use.Length >= end ? 0 : end;
    }

    // Runs the tower for images that nobody has encoded and no prefix holds.
    private void See(PreparedRequest prepared, PrefixUse? use, Action atBorder)
    {
        var clsAttention = prepared.Pruning?.Plan.Needs(PruningSignals.VisionClsAttention) == true;
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
            var pixels = image.Pixels ?? throw new InvalidOperationException($"Image {i} has neither pixels nor features.");
            var output = _model.Vision.Encode(pixels, clsAttention, atBorder);
            image.Take(output with { Features = output.Features.DetachFromDisposeScope() });
            Interlocked.Increment(ref _visionRuns);
            Telemetry(hit: false);
            _features.Add(image.Key, image.Plan, image.Output!, clsAttention);
        }

        void Telemetry(bool hit) => EngineTelemetry.LookedUp(_model.Info.Id, hit);
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
            Log.NoPrior(_logger, k, _model.Info.Id, _model.Info.Folder);
        }

        return pruning.Prior;
    }

    private void Learn(PruningChoice? pruning, EncodedPrompt prompt, PrefillOutput prefill)
    {
        if (_self is null || pruning?.Settings is not { Prior: null, LayersBeforePruning: var k } || _model.Prior?.Layers.Contains(k) == true) return;
        for (var i = 0; i < prompt.Layouts.Count; i++)
        {
            if (prefill.Attention[i] is { } row) _self.Add(k, prompt.Layouts[i], row);
        }
    }

    // For honest times only: what was launched is awaited before a stage's clock is read.
    private void Synchronize()
    {
        if (_model.Decoder.Device.type == DeviceType.CUDA) torch.cuda.synchronize();
    }

    private static partial class Log
    {
        [LoggerMessage(10, LogLevel.Warning, "No prior for K = {Layer} lies beside the model '{Model}'; attention is not debiased. Make one with: d2pruner calibrate --model \"{Folder}\" --images FOLDER_OF_PICTURES --layers {Layer}; or set the prior to 'uniform' to say that this is meant.")]
        public static partial void NoPrior(ILogger logger, int layer, string model, string folder);
    }
}
