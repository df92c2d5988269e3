using System.Diagnostics;
using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Hub;
using D2Pruner.AI.Runtime.Checkpoints.Quantized;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Generation;
using D2Pruner.AI.Runtime.Layers;
using D2Pruner.AI.Runtime.Native;
using D2Pruner.AI.Runtime.Text;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>Loads models.</summary>
internal static partial class ModelLoader
{
    /// <summary>Name of the prior file beside a model.</summary>
    public const string PriorFileName = PriorFile.FileName;

    private const int LlamaStop = 2;

    /// <summary>Loads a model for use without an engine (tools, tests, training).</summary>
    /// <param name="options">What and how.</param>
    /// <param name="progress">Gets progress.</param>
    /// <param name="logger">Gets warnings; null for none.</param>
    /// <param name="withPrior">Read the prior beside the model; calibration, which replaces it, does not.</param>
    /// <param name="cancellationToken">Observed between tensors.</param>
    /// <exception cref="PriorMismatchException">The prior beside the model was made for another one.</exception>
    /// <exception cref="ArgumentException">Options that cannot be honoured.</exception>
    /// <exception cref="CheckpointException">The folder cannot be loaded: files are missing, damaged or out of range.</exception>
    /// <exception cref="TokenizerException">Its tokenizer or chat template is missing, damaged or of a
    /// form that is not supported.</exception>
    /// <exception cref="SafetensorsException">A prior is missing or damaged, or a weight file changed while it was read.</exception>
    /// <exception cref="ModelMemoryException">The model does not fit the free memory, and
    /// <see cref="VisionModelOptions.CheckMemory"/> is set; or memory ran out during the load.</exception>
    /// <exception cref="EngineUnavailableException">The process cannot use the GPU any more.</exception>
    /// <exception cref="HubException"><see cref="VisionModelOptions.DownloadIfMissing"/> is set and the
    /// Hub does not give the model.</exception>
    public static VisionLanguageModel LoadModel(
        VisionModelOptions options, IProgress<ModelLoadProgress>? progress = null, ILogger? logger = null, bool withPrior = true,
        CancellationToken cancellationToken = default)
    {
        Validate(options);
        TorchEnvironment.EnsureLoaded();
        using var claim = new OnFailure(ProcessThreads.Claim(options.Threads));
        var path = options.DownloadIfMissing ? Fetch(options.ModelPath!, progress, cancellationToken)
            : ModelLocator.Resolve(options.ModelPath!);
        progress?.Report(new ModelLoadProgress("Reading the configuration", 0, 0));
        var folder = CheckpointFolder.Open(path);
        var blueprint = ModelFamilies.Read(folder);
        var tokenizer = TokenizerLoader.Load(path);
        var device = FindDevice(options.Device);
        var weights = CheckpointWeights.Open(folder, options.WeightsInMemory, options.HugePages);
        TextDecoder? decoder = null;
        var (needed, free) = (0L, default(long?));
        try
        {
            WarnOfFiles(path, blueprint, logger);
            var plan = blueprint.Plan();
            weights.Check(plan, blueprint.Names, blueprint.Unused);
            var type = ComputeType(options.Precision, weights.StoredType(), device);
            var (loaded, total) = (0L, weights.FileBytes);
            CheckQuantization(options, folder);
            weights.QuantizeWith(
                QuantizationRule.Of(options.Quantization), options.QuantizeHead ? QuantizationRule.Int8 : null, options.ActivationBits);
            needed = MemoryEstimate.BytesOfWeights(folder, plan, type, options.Quantization, device.type);
            free = DeviceMemory.Free(device);
            if (options.CheckMemory)
            {
                var workload = new MemoryWorkload { Float32Kv = options.Float32Kv };
                MemoryVerdict.Of(blueprint, needed, type, device, workload, free, folder.Quantization is not null)
                    .Ensure(options.ModelPath!);
            }

            using var loading = DeviceMemory.Load(device);
            using var place = new OnFailure(DeviceMemory.Hold(device, needed));
            weights.Configure(type, device, bytes => progress?.Report(new ModelLoadProgress("Loading weights", loaded += bytes, total)),
                cancellationToken);
            var watch = Stopwatch.StartNew();
            using var noGrad = no_grad();
            decoder = new TextDecoder(blueprint.Text, blueprint.TakeDecoder(weights), options.Float32Kv);
            CheckActivations(options, decoder);
            var vision = blueprint.TakeVision(weights);
            var precision = PrecisionOf(
                type, QuantizationRule.Of(options.Quantization), decoder.Weights.Head is QuantizedLinear, decoder.Weights.Layers[0].Down);
            var fingerprint = ModelFingerprint.Of(folder);
            var priorPath = FindPrior(path, options.Quantization);
            var ownPrior = priorPath == PriorPath(path, options.Quantization);
            if (logger is not null) Log.Weights(logger, weights.Bytes, weights.Access, watch.Elapsed.TotalSeconds);
            var prior = withPrior && File.Exists(priorPath) ? PriorFile.Load(priorPath) : null;
            progress?.Report(new ModelLoadProgress("Ready", total, total));
            var info = new VisionModelInfo
            {
                Id = options.ModelId ?? ModelLocator.IdOf(options.ModelPath!),
                Family = blueprint.Family,
                Folder = path,
                ContextLength = Math.Min(options.MaxContextTokens ?? int.MaxValue, blueprint.Text.MaxPositions),
                DecoderLayers = blueprint.Text.Layers,
                Parameters = plan.Parameters,
                DType = options.ActivationBits == 8 ? $"{precision}+a8" : precision,
                Device = device.ToString(),
                PriorLayers = prior?.Layers ?? [],
                KvBytesPerToken = decoder.KvBytesPerToken,
                SupportsTools = blueprint.Template is IToolChatTemplate,
                Fingerprint = FingerprintOf(fingerprint, type, options, decoder.Weights.Layers[0].Down),
                TemplateHash = ModelFingerprint.OfTemplate(blueprint),
            };
            if (prior is not null)
            {
                // A prior belongs to a precision; that of the checkpoint itself is close and better than none.
                PriorMismatchException.Check(
                    prior, priorPath, ownPrior ? info : info with { Fingerprint = fingerprint }, null, options.Quantization);
                if (!ownPrior && options.Quantization != ModelQuantization.None && logger is not null)
                    Log.Prior(logger, priorPath, precision, path, options.Quantization);
            }

            // Whatever may fail is made before the claims are handed over.
            var (processor, encoder) = (blueprint.ImageProcessor(options.ImageFit), blueprint.PromptEncoder(tokenizer));
            var generation = WithStops(GenerationDefaults.Read(folder), blueprint, tokenizer);
            var priors = PriorCatalog.Load(options.Priors, info, prior, options.Quantization);
            return new VisionLanguageModel(weights, claim.Keep(), place.Keep())
            {
                Info = info,
                Blueprint = blueprint,
                Tokenizer = tokenizer,
                ImageProcessor = processor,
                PromptEncoder = encoder,
                Vision = vision,
                Decoder = decoder,
                Generation = generation,
                Priors = priors,
            };
        }
        catch (Exception e)
        {
            decoder?.Dispose();
            weights.Dispose();
            if (DeviceErrors.IsLasting(e)) throw DeviceErrors.Lost(e);
            // Nobody has asked anything yet: it is the model that does not fit.
            if (e is not IVisionError && EngineOutOfMemoryException.Is(e))
                throw new ModelMemoryException(
                    $"'{options.ModelPath}' does not fit the memory of '{device}': its weights take about {Units.Short(needed)}"
                    + (free is { } bytes ? $", and {Units.Short(bytes)} were free" : "")
                    + ". Load a smaller model, use another device, or free some memory.", needed, free ?? 0, e);
            throw;
        }
    }

    // The load runs on a thread of its own, which may wait.
    private static string Fetch(string pathOrId, IProgress<ModelLoadProgress>? progress, CancellationToken cancellationToken)
    {
        if (!ModelLocator.IsMissing(pathOrId)) return ModelLocator.Resolve(pathOrId);
        var told = progress is null ? null : new DownloadProgress(progress);
        return ModelHub.PullAsync(pathOrId, new HubOptions { Accept = folder => ModelFamilies.Read(folder) }, told, cancellationToken)
            .GetAwaiter().GetResult().Folder;
    }

    /// <summary>Where the prior of a model loaded at a precision lies: <see cref="PriorFileName"/>, or that name with <c>.int8</c> or
    /// <c>.int4</c> before its ending.</summary>
    public static string PriorPath(string folder, ModelQuantization quantization) =>
        Path.Combine(folder, quantization == ModelQuantization.None
        ? PriorFileName
        : Path.ChangeExtension(PriorFileName, $".{quantization.ToString().ToLowerInvariant()}.safetensors"));

    /// <summary>The prior that a load takes: the precision's own (<see cref="PriorPath"/>), else the checkpoint's, which need not be there
    /// either.</summary>
    public static string FindPrior(string folder, ModelQuantization quantization) =>
        PriorPath(folder, quantization) is var own && File.Exists(own) ? own : Path.Combine(folder, PriorFileName);

    /// <summary>Checks options cheaply: no file is opened.</summary>
    /// <exception cref="ArgumentException">An option cannot be honoured.</exception>
    internal static void Validate(VisionModelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (string.IsNullOrWhiteSpace(options.ModelPath))
            throw new ArgumentException("ModelPath is empty; give a model folder or a Hub id in the local cache.", nameof(options));
        if (options.QueueCapacity < 1)
            throw new ArgumentException($"QueueCapacity is {options.QueueCapacity}; it must be at least 1.", nameof(options));
        if (options.VisionCacheBytes < 0)
            throw new ArgumentException($"VisionCacheBytes is {options.VisionCacheBytes}; it must be 0 (none) or more.", nameof(options));
        if (options.MaxContextTokens is < 16)
            throw new ArgumentException($"MaxContextTokens is {options.MaxContextTokens}; it must be at least 16.", nameof(options));
        PriorCatalog.CheckNames(options.Priors);
        if (!DeviceName.IsValid(options.Device))
            throw new ArgumentException($"Device is '{options.Device}'; it must be auto, cpu, cuda or cuda:N.", nameof(options));
        if (!Enum.IsDefined(options.Precision))
            throw new ArgumentException($"Precision is {options.Precision}, which does not exist.", nameof(options));
        if (!Enum.IsDefined(options.Quantization))
            throw new ArgumentException($"Quantization is {options.Quantization}, which does not exist.", nameof(options));
        if (options.ActivationBits is not (8 or 16))
            throw new ArgumentException($"ActivationBits is {options.ActivationBits}; it must be 8 or 16.", nameof(options));
        if (!Enum.IsDefined(options.ImageFit))
            throw new ArgumentException($"ImageFit is {options.ImageFit}, which does not exist.", nameof(options));
    }

    private sealed class DownloadProgress(IProgress<ModelLoadProgress> inner) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) => inner.Report(new ModelLoadProgress(value.Stage, value.BytesDone, value.BytesTotal));
    }

    private static void CheckQuantization(VisionModelOptions options, CheckpointFolder folder)
    {
        if (options.Quantization == ModelQuantization.None || folder.Quantization is not { } own) return;
        throw new ArgumentException(
            $"Quantization is {options.Quantization}, but the checkpoint is quantized already ({own.Description}); leave the option " +
            "at None.", nameof(options));
    }

    private static void CheckActivations(VisionModelOptions options, TextDecoder decoder)
    {
        var down = decoder.Weights.Layers[0].Down;
        if (options.ActivationBits != 8 || down.Kernel is { ActivationBits: 8 }) return;
        throw new ArgumentException(
            "ActivationBits is 8, which needs 4-bit weights in groups of 128 columns or a multiple of it on CPU, and a model in 16 bits; " +
            $"this one's are {down.Storage}, on {decoder.Device}. Leave the option at 16, or load with Quantization = Int4.",
            nameof(options));
    }

    /// <summary>The name of a precision, e.g. <c>bfloat16+int4-g128</c>. What is rounded at load is named by its rule: where no kernel
    /// reads codes, the same values lie there dense.</summary>
    /// <param name="type">The type that the model computes with.</param>
    /// <param name="rule">How its decoder is rounded at load; null for not.</param>
    /// <param name="head">Whether the head is in 8 bits.</param>
    /// <param name="down">One of the decoder's maps.</param>
    internal static string PrecisionOf(ScalarType type, QuantizationRule? rule, bool head, Linear down)
    {
        var (name, storage) = (type.ToString().ToLowerInvariant(), rule?.NameOf(down.Inputs) ?? down.Storage);
        return storage == name ? name : $"{name}+{storage}{(head ? "+head-int8" : "")}";
    }

    /// <summary>The fingerprint that a model's priors carry: the checkpoint's, or that and its precision where it is rounded at
    /// load.</summary>
    /// <param name="checkpoint">The checkpoint's.</param>
    /// <param name="type">The type that the model computes with.</param>
    /// <param name="options">How it is loaded.</param>
    /// <param name="down">One of the decoder's maps.</param>
    internal static string FingerprintOf(string checkpoint, ScalarType type, VisionModelOptions options, Linear down)
    {
        if (QuantizationRule.Of(options.Quantization) is not { } rule) return checkpoint;
        // One prior serves both where a CPU computes in bfloat16 what a GPU does in the checkpoint's fp16.
        var named = type == ScalarType.Float16 ? ScalarType.BFloat16 : type;
        return ModelFingerprint.WithPrecision(checkpoint, PrecisionOf(named, rule, options.QuantizeHead, down));
    }

    private static Device FindDevice(string name)
    {
        if (name == "cpu") return CPU;
        if (name == "auto" && !cuda.is_available()) return CPU;
        if (!cuda.is_available())
            throw new ArgumentException(
                $"The device '{name}' was asked for, but libtorch finds no CUDA. Use 'cpu', or reference a CUDA build of " +
                "libtorch.", nameof(name));
        var index = DeviceName.CudaIndex(name);
        return index < cuda.device_count()
            ? new Device(DeviceType.CUDA, index)
            : throw new ArgumentException(
                $"The device '{name}' was asked for; there are {cuda.device_count()} CUDA device(s).", nameof(name));
    }

    // libtorch's fp16 products on CPU are 20-1000 times slower than bfloat16's (docs/log.md): 16-bit checkpoints compute in bfloat16 there.
    private static ScalarType ComputeType(ModelPrecision precision, ScalarType stored, Device device) => precision switch
    {
        ModelPrecision.Float32 => ScalarType.Float32,
        ModelPrecision.BFloat16 => ScalarType.BFloat16,
        ModelPrecision.Float16 when device.type == DeviceType.CPU =>
        throw new ArgumentException("Precision Float16 is not usable on CPU; use BFloat16 or Float32.", nameof(precision)),
        ModelPrecision.Float16 => ScalarType.Float16,
        _ when stored is ScalarType.Float16 or ScalarType.BFloat16 => device.type == DeviceType.CPU ? ScalarType.BFloat16 : stored,
        _ => ScalarType.Float32,
    };

    private static GenerationDefaults WithStops(GenerationDefaults defaults, ModelBlueprint blueprint, ITokenizer tokenizer)
    {
        var ids = defaults.StopIds.Concat(blueprint.StopTokens.Select(tokenizer.TokenToId).OfType<int>()).ToHashSet();
        // Only where nothing names one: in Qwen2's vocabulary this number is '#'.
        if (ids.Count == 0) ids.Add(LlamaStop);
        return defaults with { StopIds = ids };
    }

    private static void WarnOfFiles(string folder, ModelBlueprint blueprint, ILogger? logger)
    {
        if (logger is null) return;
        if (ChatTemplateFile.Read(folder) is { } file && !file.MatchesKnown(blueprint.Template))
            Log.Template(logger, folder, file.FileName, blueprint.Template.Name);
        foreach (var warning in blueprint.Warnings) Log.Files(logger, folder, warning);
    }

    private static partial class Log
    {
        [LoggerMessage(21, LogLevel.Warning,
            "The prior {File} was calibrated at the checkpoint's own precision and is used at {Precision}. One of its own: d2pruner " +
            "calibrate --model \"{Folder}\" --images FOLDER --quantization {Quantization}.")]
        public static partial void Prior(ILogger logger, string file, string precision, string folder, ModelQuantization quantization);

        [LoggerMessage(22, LogLevel.Information, "{Bytes} bytes of weights {Access}, in {Seconds:F2} s.")]
        public static partial void Weights(ILogger logger, long bytes, WeightsAccess access, double seconds);

        [LoggerMessage(23, LogLevel.Warning, "The files in {Folder}: {Warning}")]
        public static partial void Files(ILogger logger, string folder, string warning);

        [LoggerMessage(20, LogLevel.Warning,
            "The chat template in {Folder} ({File}) is not the one implemented here as '{Template}'; prompts are written as the latter. " +
            "If the model was trained with another template, its answers suffer.")]
        public static partial void Template(ILogger logger, string folder, string file, string template);
    }
}
