using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Quantized;
using D2Pruner.AI.Runtime.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>Memory that a model needs: weights, keys and values, and work space, from its configuration alone.</summary>
internal sealed record MemoryEstimate
{
    /// <summary>Bytes of the weights.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Bytes of keys and values when nothing is pruned.</summary>
    public required long KvBytesUnpruned { get; init; }

    /// <summary>Bytes of keys and values at their highest under the preset Understanding: the layers before pruning hold all
    /// tokens, the others the kept ones.</summary>
    public required long KvBytesPruned { get; init; }

    /// <summary>Bytes of activations at their highest; a rough figure.</summary>
    public required long WorkBytes { get; init; }

    /// <summary>Visual tokens of all images.</summary>
    public required int VisualTokens { get; init; }

    /// <summary>Visual tokens that the preset Understanding keeps.</summary>
    public required int VisualTokensKept { get; init; }

    /// <summary>Everything, nothing pruned.</summary>
    public long TotalUnpruned => WeightBytes + KvBytesUnpruned + WorkBytes;

    /// <summary>Everything, pruned.</summary>
    public long TotalPruned => WeightBytes + KvBytesPruned + WorkBytes;

    /// <summary>Estimates a model.</summary>
    /// <param name="blueprint">The model.</param>
    /// <param name="weightBytes">Bytes of its weights in the type it computes with.</param>
    /// <param name="type">The type it computes with.</param>
    /// <param name="device">Where.</param>
    /// <param name="workload">What it is to do.</param>
    public static MemoryEstimate Of(ModelBlueprint blueprint, long weightBytes, ScalarType type, DeviceType device, MemoryWorkload workload)
    {
        ArgumentNullException.ThrowIfNull(blueprint);
        ArgumentNullException.ThrowIfNull(workload);
        var text = blueprint.Text;
        var image = blueprint.ImageProcessor(default).Plan(workload.Width, workload.Height);
        var visual = workload.Images * image.Grids.Sum(g => g.Rows * g.Columns);
        var preset = PruningSettings.FromPreset(PruningPreset.Understanding);
        var kept = visual == 0 ? 0 : BudgetSplit.Split(preset.Budget, [visual])[0];
        // On CPU sums and activations are fp32 whatever the weights are.
        var element = device == DeviceType.CPU ? 4L : Size(type);
        var kvPerLayer = 2L * text.KvHeads * text.HeadDim * (workload.Float32Kv && device == DeviceType.CPU ? 4 : Size(type));
        var others = workload.TextTokens + workload.AnswerTokens;
        var early = Math.Min(preset.LayersBeforePruning, text.Layers);
        var prompt = visual + workload.TextTokens;
        // Hidden states, residual, queries, keys, values, attention's output, and the three intermediate
        // rows of the perceptron; then the logits.
        var decoder = prompt * (8L * text.HiddenSize + 3L * text.IntermediateSize) * element + 2L * text.VocabularySize * 4;
        // A tower reads image by image where several have no room, over one patch a token or the four that are merged. Some twenty thousand
        // values a patch at its highest: Qwen's queries and keys turned in fp32, CLIP's perceptron.
        var patches = blueprint.Family.StartsWith("llava", StringComparison.Ordinal) ? 1L : 4L;
        var tower = workload.Images == 0 ? 0 : patches * (visual / workload.Images) * 20_000 * element;
        return new MemoryEstimate
        {
            WeightBytes = weightBytes,
            KvBytesUnpruned = text.Layers * kvPerLayer * (visual + others),
            KvBytesPruned = kvPerLayer * (early * (long)(visual + others) + (text.Layers - early) * (long)(kept + others)),
            WorkBytes = Math.Max(decoder, tower),
            VisualTokens = visual,
            VisualTokensKept = kept,
        };
    }

    /// <summary>Bytes of a model's weights in memory, from its configuration alone.</summary>
    /// <param name="folder">The model's folder; its own quantization counts.</param>
    /// <param name="plan">Its tensors.</param>
    /// <param name="type">The type it computes with.</param>
    /// <param name="quantization">What its decoder is rounded to at load.</param>
    /// <param name="device">Where.</param>
    public static long BytesOfWeights(
        CheckpointFolder folder, TensorPlan plan, ScalarType type, ModelQuantization quantization, DeviceType device)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(plan);
        var codes = Codes(folder, quantization, device);
        return plan.Tensors.Where(t => !t.Optional).Sum(t =>
            (t.IsQuantizable && codes is { } c ? KernelMatrix.BytesOf(t.Shape[0], t.Shape[1], c.Bits, c.Group) : null)
            ?? t.Shape.Aggregate(1L, (a, b) => a * b) * Size(type));
    }

    /// <summary>What the decoder's weights stay in, as far as the kernels read it; null where all are made dense as they load.</summary>
    /// <param name="folder">The model's folder; its own quantization counts.</param>
    /// <param name="quantization">What its decoder is rounded to at load.</param>
    /// <param name="device">Where; kernels for codes are the CPU's.</param>
    public static QuantizationRule? Codes(CheckpointFolder folder, ModelQuantization quantization, DeviceType device)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (device != DeviceType.CPU) return null;
        if (folder.Quantization is { } own) return own.Codes;
        return QuantizationRule.Of(quantization);
    }

    internal static long Size(ScalarType type) => type is ScalarType.Float32 ? 4 : 2;
}
