using System.ComponentModel.DataAnnotations;

namespace D2Pruner.AI.Runtime;

/// <summary>How a model is loaded (configuration section <c>D2Pruner:Models:{name}</c>).</summary>
public sealed class VisionModelOptions
{
    /// <summary>A Hugging Face model folder, or a Hub id (<c>owner/name</c> or <c>owner/name@revision</c>) found in the local Hugging Face cache.</summary>
    [Required]
    public string? ModelPath { get; set; }

    /// <summary>Fetch the model from the Hub at load where <see cref="ModelPath"/> is an id that the cache does not hold. Off by default: no network is used.</summary>
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

    /// <summary>How LLaVA-1.5 fits a picture into its square.</summary>
    [EnumDataType(typeof(ImageFit))]
    public ImageFit ImageFit { get; set; } = ImageFit.FromProcessor;

    /// <summary>Upper bound on prompt plus answer tokens; null is the model's own.</summary>
    [Range(16, int.MaxValue)]
    public int? MaxContextTokens { get; set; }

    /// <summary>Requests that may wait; one more is refused with <see cref="EngineBusyException"/>.</summary>
    [Range(1, 100_000)]
    public int QueueCapacity { get; set; } = 64;

    /// <summary>
    /// Bytes of picture features kept for further questions about the same pictures, on the model's device; 0 keeps none. Default 256 MiB
    /// (a picture takes 4.5 MiB in LLaVA-1.5-7B).
    /// </summary>
    [Range(0d, 1e15)]
    public long VisionCacheBytes { get; set; } = 256L << 20;

    /// <summary>Math threads on CPU; null leaves libtorch's choice.</summary>
    [Range(1, 1024)]
    public int? Threads { get; set; }

    /// <summary>
    /// Average the attention rows of live requests into a prior for every K that none was calibrated for, and use it once
    /// <see cref="SelfCalibrationPictures"/> pictures have been seen. Kept in memory only; live prompts are less general than the calibration prompt.
    /// </summary>
    public bool SelfCalibrate { get; set; }

    /// <summary>Pictures after which a self-calibrated prior is used.</summary>
    [Range(2, 1_000_000)]
    public int SelfCalibrationPictures { get; set; } = 64;
}
