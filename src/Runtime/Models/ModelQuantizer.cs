using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Quantized;
using D2Pruner.AI.Runtime.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>Writes a model with the decoder's weights in 8 or 4 bits.</summary>
public static class ModelQuantizer
{
    /// <summary>Rounds and writes a model folder.</summary>
    /// <param name="model">Model folder or Hub id with 16- or 32-bit weights.</param>
    /// <param name="target">Folder to write; new or empty.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Gets bytes written and their sum.</param>
    /// <param name="cancellationToken">Observed between rows and tensors.</param>
    /// <exception cref="ArgumentException">Options that do not exist.</exception>
    /// <exception cref="CheckpointException">The model cannot be read or is quantized already.</exception>
    /// <exception cref="IOException">The target holds something, or cannot be written.</exception>
    public static void Write(string model, string target, QuantizeOptions options, IProgress<(long Done, long Total)>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Bits is not (4 or 8)) throw new ArgumentException($"There are {options.Bits} bits; 8 and 4 can be written.", nameof(options));
        if (options.Group is { } g && (g < 16 || g % 16 != 0)) throw new ArgumentException($"The group is {g}; it must be a multiple of 16.", nameof(options));
        TorchEnvironment.EnsureLoaded();
        var folder = CheckpointFolder.Open(ModelLocator.Resolve(model));
        var blueprint = ModelFamilies.Read(folder);
        using var weights = CheckpointWeights.Open(folder);
        var plan = blueprint.Plan();
        weights.Check(plan, blueprint.Names, blueprint.Unused);
        using var none = no_grad();
        var rule = new QuantizationRule(options.Bits, options.Group ?? (options.Bits == 4 ? QuantizationRule.Int4.Group : 0), !options.Asymmetric);
        new CheckpointQuantizer(folder, weights, plan, rule, null, cancellationToken).Write(target, progress);
    }
}
