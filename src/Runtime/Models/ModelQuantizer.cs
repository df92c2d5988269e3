using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Quantized;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Native;
using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Runtime.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>Writes a model with the decoder's weights in 8 or 4 bits.</summary>
internal static class ModelQuantizer
{
    /// <summary>Rounds and writes a model folder.</summary>
    /// <param name="model">Model folder or Hub id with 16- or 32-bit weights.</param>
    /// <param name="target">Folder to write; new or empty.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Gets bytes written and their sum.</param>
    /// <param name="cancellationToken">Observed between rows, tensors and images.</param>
    /// <exception cref="ArgumentException">Options that do not exist.</exception>
    /// <exception cref="CheckpointException">The model cannot be read or is quantized already.</exception>
    /// <exception cref="IOException">The target holds something, or cannot be written.</exception>
    public static void Write(
        string model, string target, QuantizeOptions options, IProgress<(long Done, long Total)>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Bits is not (4 or 8))
            throw new ArgumentException($"There are {options.Bits} bits; 8 and 4 can be written.", nameof(options));
        if (options.Group is { } g && (g < 16 || g % 16 != 0))
            throw new ArgumentException($"The group is {g}; it must be a multiple of 16.", nameof(options));
        TorchEnvironment.EnsureLoaded();
        var folder = CheckpointFolder.Open(ModelLocator.Resolve(model));
        var blueprint = ModelFamilies.Read(folder);
        using var weights = CheckpointWeights.Open(folder);
        var plan = blueprint.Plan();
        weights.Check(plan, blueprint.Names, blueprint.Unused);
        using var none = no_grad();
        var rule = new QuantizationRule(
            options.Bits, options.Group ?? (options.Bits == 4 ? QuantizationRule.Int4.Group : 0), !options.Asymmetric);
        if (options.CalibrationImages.Count == 0)
        {
            new CheckpointQuantizer(folder, weights, plan, rule, null, cancellationToken).Write(target, progress);
            return;
        }

        var type = weights.StoredType() == ScalarType.Float32 ? ScalarType.Float32 : ScalarType.BFloat16;
        weights.Configure(type, CPU, null, cancellationToken);
        var source = new NamingSource(weights);
        using var decoder = new TextDecoder(blueprint.Text, blueprint.TakeDecoder(source));
        var originals = decoder.Weights.Layers.ToArray();
        using var moments = new ActivationMoments(decoder.Weights);
        Ask(blueprint, folder, decoder, blueprint.TakeVision(weights), options, cancellationToken);
        var byName = originals.SelectMany(l => new[] { l.Query, l.Key, l.Value, l.Output, l.Gate, l.Up, l.Down })
            .GroupBy(source.NameOf).ToDictionary(m => weights.FileName(m.Key), m => moments.Of(m.First()));
        new CheckpointQuantizer(folder, weights, plan, rule, Round, cancellationToken).Write(target, progress);

        Kernels.QuantizedMatrix Round(string name, int outputs, int inputs, QuantizationRule r, Action<int, Memory<float>> read) =>
            CompensatedRounding.Matrix(outputs, inputs, r, read, byName[name], cancellationToken);
    }

    // Every image with one of the questions in turn; what the decoder's maps are given is recorded on the way.
    private static void Ask(ModelBlueprint blueprint, CheckpointFolder folder, TextDecoder decoder, IVisionTower vision,
        QuantizeOptions options, CancellationToken cancellationToken)
    {
        var encoder = blueprint.PromptEncoder(TokenizerLoader.Load(folder.Path));
        var processor = blueprint.ImageProcessor(default);
        using var inference = inference_mode();
        for (var i = 0; i < options.CalibrationImages.Count; i++)
        {
            using var scope = NewDisposeScope();
            var bytes = RegularFile.ReadAllBytes(options.CalibrationImages[i], ImageLimits.Default.MaxBytes);
            var image = processor.Process(ImageDecoder.Decode(bytes, null, cancellationToken), cancellationToken);
            var question = options.CalibrationPrompts[i % options.CalibrationPrompts.Count];
            var prompt = encoder.Encode(
                [new ChatTurn("user", [new ImagePart(ReadOnlyMemory<byte>.Empty), new TextPart(question)])], [image]);
            var seen = vision.Encode(image, false, cancellationToken.ThrowIfCancellationRequested);
            PromptForward.Run(decoder, prompt, [seen], new PrefillOptions { Room = 1 }, cancellationToken).Dispose();
        }
    }
}
