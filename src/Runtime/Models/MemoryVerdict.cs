using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>Whether a model fits a device, and what would.</summary>
/// <param name="Estimate">What it needs.</param>
/// <param name="FreeBytes">What is free; null where the system does not tell.</param>
/// <param name="Choices">The nearest choices that fit; empty when it fits.</param>
internal sealed record MemoryVerdict(MemoryEstimate Estimate, long? FreeBytes, IReadOnlyList<string> Choices)
{
    /// <summary>Whether it fits with pruning; true where nothing is known.</summary>
    public bool Fits => FreeBytes is not { } free || Estimate.TotalPruned <= free;

    /// <summary>Whether it fits without pruning too.</summary>
    public bool FitsUnpruned => FreeBytes is not { } free || Estimate.TotalUnpruned <= free;

    /// <summary>Judges a model.</summary>
    /// <param name="blueprint">The model.</param>
    /// <param name="weightBytes">Bytes of its weights in the type it computes with.</param>
    /// <param name="type">The type it computes with.</param>
    /// <param name="device">Where.</param>
    /// <param name="workload">What it is to do.</param>
    /// <param name="freeBytes">Free bytes; null asks the system.</param>
    /// <param name="quantized">Whether the checkpoint is quantized, so that it cannot be rounded at load.</param>
    public static MemoryVerdict Of(
        ModelBlueprint blueprint, long weightBytes, ScalarType type, Device device, MemoryWorkload workload, long? freeBytes = null,
        bool quantized = false)
    {
        ArgumentNullException.ThrowIfNull(device);
        var free = freeBytes ?? DeviceMemory.Free(device);
        var estimate = MemoryEstimate.Of(blueprint, weightBytes, type, device.type, workload);
        var verdict = new MemoryVerdict(estimate, free, []);
        return verdict.Fits ? verdict
            : verdict with { Choices = Nearest(blueprint, weightBytes, type, device.type, workload, free!.Value, quantized) };
    }

    /// <summary>Refuses what does not fit, before anything is read.</summary>
    /// <param name="model">The model's name, for the message.</param>
    /// <exception cref="ModelMemoryException">It does not fit.</exception>
    public void Ensure(string model)
    {
        if (Fits) return;
        var e = Estimate;
        throw new ModelMemoryException(
            $"'{model}' needs {Units.Bytes(e.TotalPruned)} (weights {Units.Short(e.WeightBytes)}, keys and values " +
                $"{Units.Short(e.KvBytesPruned)}, work space {Units.Short(e.WorkBytes)}), and {Units.Bytes(FreeBytes!.Value)} are free. "
            + (Choices.Count == 0 ? "No smaller choice fits either; free some memory." : $"What fits: {string.Join("; ", Choices)}.")
            + " To load it nevertheless set CheckMemory to false (d2pruner: --no-memory-check).",
            e.TotalPruned, FreeBytes.Value);
    }

    private static List<string> Nearest(
        ModelBlueprint blueprint, long weightBytes, ScalarType type, DeviceType device, MemoryWorkload workload, long free, bool quantized)
    {
        var choices = new List<string>();
        if (type == ScalarType.Float32)
        {
            var half = MemoryEstimate.Of(blueprint, weightBytes / 2, ScalarType.BFloat16, device, workload);
            if (half.TotalPruned <= free) choices.Add($"precision BFloat16 (--precision BFloat16), {Units.Short(half.TotalPruned)}");
        }

        else if (device == DeviceType.CPU && !quantized && weightBytes > blueprint.Plan().Parameters * 3 / 2)
        {
            // The decoder holds nearly all of it; what stays in 16 bit is little. CUDA makes codes dense, so nothing is saved there.
            foreach (var (name, bytes) in new[] { ("Int8", weightBytes * 11 / 20), ("Int4", weightBytes * 3 / 10) })
            {
                var rounded = MemoryEstimate.Of(blueprint, bytes, type, device, workload);
                if (rounded.TotalPruned > free) continue;
                choices.Add($"weights rounded to {name} (--quantization {name}), about {Units.Short(rounded.TotalPruned)}");
                break;
            }
        }

        var least = MemoryEstimate.Of(
            blueprint, weightBytes, type, device,
            workload with { Images = Math.Min(1, workload.Images), AnswerTokens = Math.Min(64, workload.AnswerTokens) });
        if (least.TotalPruned <= free)
            choices.Add($"fewer or smaller images and shorter answers (one image and 64 tokens: {Units.Short(least.TotalPruned)})");
        if (KnownModels.All.LastOrDefault(m => Rough(m) <= free) is { } smaller && smaller.WeightBytes < weightBytes)
            choices.Add($"a smaller model: {smaller.Id}, about {Units.Short(Rough(smaller))}");
        return choices;
    }

    /// <summary>What a known model needs in 16 bit for one image of 640x480 and an answer of 512 tokens, nothing pruned.</summary>
    internal static long Rough(KnownModel model) =>
        model.WeightBytes + model.KvBytesPerToken * (model.ImageTokens + 576) + (512L << 20);
}
