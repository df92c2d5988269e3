using System.ComponentModel.DataAnnotations;

namespace D2Pruner.AI.Runtime;

/// <summary>How a model is loaded (configuration section <c>D2Pruner:Models:{name}</c>).</summary>
public sealed class VisionModelOptions
{
    /// <summary>A Hugging Face model folder, or a Hub id (<c>owner/name</c> or <c>owner/name@revision</c>) found in
    /// the local Hugging Face cache.</summary>
    [Required]
    public string? ModelPath { get; set; }

    /// <summary>Fetch the model from the Hub at load where <see cref="ModelPath"/> is an id that the cache does not hold. Off
    /// by default: no network is used.</summary>
    public bool DownloadIfMissing { get; set; }

    /// <summary>Stable id shown to callers; default from the folder's name or the Hub id.</summary>
    public string? ModelId { get; set; }

    /// <summary><c>auto</c> (CUDA if usable, else CPU), <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    [Required]
    [RegularExpression(@"^(auto|cpu|cuda(:\d{1,4})?)$", ErrorMessage = "{0} must be auto, cpu, cuda or cuda:N.")]
    public string Device { get; set; } = "auto";

    /// <summary>Compute precision; Auto is the checkpoint's type on CUDA and BFloat16 weights on CPU for 16-bit checkpoints.</summary>
    [EnumDataType(typeof(ModelPrecision))]
    public ModelPrecision Precision { get; set; } = ModelPrecision.Auto;

    /// <summary>
    /// Rounds the decoder's weights to fewer bits while they load; for 16- and 32-bit checkpoints (quantized ones are what they are).
    /// Memory never holds more than the quantized model and one weight matrix.
    /// </summary>
    [EnumDataType(typeof(ModelQuantization))]
    public ModelQuantization Quantization { get; set; }

    /// <summary>The head in 8 bits too, also where it is tied to the embedding (which stays): faster answers from
    /// small models, at some more memory.</summary>
    public bool QuantizeHead { get; set; }

    /// <summary>
    /// Bits of the activations that meet 4-bit weights while an answer is written on CPU: 16, or 8 (a scale for each 128 inputs), which is
    /// faster where the processor, not the memory, is the bound. 8 needs weights in groups of 128 columns or a multiple of it; prompts of
    /// more than 16 tokens and maps of 8 bits and more are computed as with 16.
    /// </summary>
    [AllowedValues(8, 16, ErrorMessage = "{0} must be 8 or 16.")]
    public int ActivationBits { get; set; } = 16;

    /// <summary>On CPU, keep keys and values in fp32 rather than bfloat16: twice the memory, slower answers from long prompts.</summary>
    public bool Float32Kv { get; set; }

    /// <summary>
    /// Whether weight files are copied while loading (true) or mapped (false); null maps only where nobody can change the files, and copies
    /// everywhere else, because changing a mapped file ends the process or changes the running model. Weights that are
    /// computed in another type are always copies.
    /// </summary>
    public bool? WeightsInMemory { get; set; }

    /// <summary>On Linux, ask for pages of 2 MiB (madvise) for weights that are copied while loading: the processor looks up fewer
    /// addresses. Where the system refuses them (transparent_hugepage is never), nothing changes.</summary>
    public bool HugePages { get; set; } = true;

    /// <summary>Positional priors that requests may name (<c>d2pruner.prior</c>): files by name, read and checked while loading; relative
    /// paths are below the model's folder.</summary>
    public IDictionary<string, string> Priors { get; set; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>How LLaVA-1.5 fits an image into its square.</summary>
    [EnumDataType(typeof(ImageFit))]
    public ImageFit ImageFit { get; set; } = ImageFit.FromProcessor;

    /// <summary>Upper bound on prompt plus answer tokens; null is the model's own.</summary>
    [Range(16, int.MaxValue)]
    public int? MaxContextTokens { get; set; }

    /// <summary>Requests that may wait; one more is refused with <see cref="EngineBusyException"/>.</summary>
    [Range(1, 100_000)]
    public int QueueCapacity { get; set; } = 64;

    /// <summary>Refuse a model that needs more memory than is free, with the numbers and what would fit, before anything is read.</summary>
    public bool CheckMemory { get; set; } = true;

    /// <summary>
    /// Bytes of image features kept for further questions about the same images, on the model's device; 0 keeps none. Default 256 MiB
    /// (an image takes 4.5 MiB in LLaVA-1.5-7B).
    /// </summary>
    [Range(0d, 1e15)]
    public long VisionCacheBytes { get; set; } = 256L << 20;

    /// <summary>What happens to a request that finds the queue full.</summary>
    [EnumDataType(typeof(QueueFullMode))]
    public QueueFullMode QueueFullMode { get; set; } = QueueFullMode.Reject;

    /// <summary>How long a request waits for a place in the queue under <see cref="QueueFullMode.Wait"/>; default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan QueueTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Answers in progress at once; their decode steps run as one batch. 1 answers one after another.</summary>
    [Range(1, 256)]
    public int MaxSequences { get; set; } = 16;

    /// <summary>
    /// Bytes of keys and values that all answers in progress may hold together; a request that does not
    /// fit waits, one that never can is refused.
    /// Null: on CPU a quarter of the memory that is available at load, on CUDA 80% of what is free after load.
    /// </summary>
    [Range(1d, 1e15)]
    public long? MaxKvBytes { get; set; }

    /// <summary>
    /// Images of one size, of a request and of those that wait, that go through the vision tower as one batch. Where memory does not
    /// suffice for them together, the one that is needed goes alone, and later batches are smaller.
    /// Null: 8 on CUDA; 1 on CPU, where a batch is no faster and features would no longer be bit for bit those of an image alone.
    /// </summary>
    [Range(1, 64)]
    public int? VisionBatch { get; set; }

    /// <summary>
    /// Longest time that a request being read may keep running answers from their next token; a slice (a
    /// decoder layer, a tower's block) is never cut.
    /// Null: 100 ms on CUDA, and one slice on CPU.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan? MaxDecodeStall { get; set; }

    /// <summary>
    /// Bytes of prompt beginnings kept for further questions (keys, values, hidden states before the prune point); 0 keeps none. Null: 1
    /// GiB on CPU, 2 GiB on CUDA. Freed first when memory runs out.
    /// </summary>
    [Range(0d, 1e15)]
    public long? PrefixCacheBytes { get; set; }

    /// <summary>Math threads on CPU; null leaves libtorch's choice. Process-wide: two loaded models that ask for
    /// different numbers are refused.</summary>
    [Range(1, 1024)]
    public int? Threads { get; set; }

    /// <summary>
    /// Average the attention rows of live requests into a prior for every K that none was calibrated for, and use it once
    /// <see cref="SelfCalibrationImages"/> images have been seen. Kept in memory only; live prompts are
    /// less general than the calibration prompt.
    /// </summary>
    public bool SelfCalibrate { get; set; }

    /// <summary>Images after which a self-calibrated prior is used.</summary>
    [Range(2, 1_000_000)]
    public int SelfCalibrationImages { get; set; } = 64;
}
