using D2Pruner.AI.Runtime.Prompts;
using System.Security.Cryptography;
using System.Text;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Calibration;

/// <summary>
/// The offline stage of D²Pruner: the generic prompt over many images; the last prompt token's attention to
/// each grid position, averaged, is A_bias.
/// One forward pass an image, stopped after the largest K-1, yields every requested K.
/// </summary>
internal static class Calibrator
{
    /// <summary>File endings that count as images in a folder.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"];

    /// <summary>Images of a folder in a fixed order.</summary>
    /// <exception cref="ArgumentException">There is no such folder, or no image in it.</exception>
    public static IReadOnlyList<string> FindImages(string folder)
    {
        if (!Directory.Exists(folder))
            throw new ArgumentException($"There is no folder '{folder}'; give a folder of images.", nameof(folder));
        string[] files = [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
            .Where(f => Extensions.Contains(Path.GetExtension(f).ToLowerInvariant())).Order(StringComparer.Ordinal)];
        return files.Length > 0 ? files
            : throw new ArgumentException($"The folder '{folder}' holds no image ({string.Join(", ", Extensions)}).", nameof(folder));
    }

    /// <summary>Calibrates.</summary>
    /// <param name="model">The model; not used by anybody else meanwhile.</param>
    /// <param name="images">Image files; their order decides the halves.</param>
    /// <param name="options">What and how.</param>
    /// <param name="progress">Gets progress after every image.</param>
    /// <param name="cancellationToken">Observed between images and layers; what is done is saved first if
    /// <see cref="CalibrationOptions.StatePath"/> is set.</param>
    /// <exception cref="ArgumentException">No image, or a K outside 1..L.</exception>
    /// <exception cref="ArgumentException">No image could be used.</exception>
    public static CalibrationResult Run(
        VisionLanguageModel model, IReadOnlyList<string> images, CalibrationOptions options,
        IProgress<CalibrationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        if (images is null or { Count: 0 }) throw new ArgumentException("There is no image to calibrate on.", nameof(images));
        if (options.Layers.Count == 0) throw new ArgumentException("No K is given; 2 and 5 are what the presets use.", nameof(options));
        foreach (var k in options.Layers)
        {
            if (k < 1 || k > model.Info.DecoderLayers)
                throw new ArgumentOutOfRangeException(
                    nameof(options), k, $"K = {k} is outside 1..{model.Info.DecoderLayers}: the model '{model.Info.Id}' has " +
                    $"{model.Info.DecoderLayers} layers.");
        }

        var key = Key(model, images, options);
        var (done, skipped, sums) = options.StatePath is { } path && CalibrationState.Load(path, key) is { } state ? state
            : (0, [], new PriorAccumulator());
        var resumed = done;
        try
        {
            while (done < images.Count)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var problem = Add(model, images[done], options, sums, done % 2, cancellationToken);
                if (problem is not null) skipped.Add($"{Path.GetFileName(images[done])}: {problem}");
                done++;
                if (options.StatePath is not null && done % options.SaveEvery == 0)
                    CalibrationState.Save(options.StatePath, key, done, skipped, sums);
                progress?.Report(new CalibrationProgress(done, images.Count, resumed, problem));
            }
        }
        catch
        {
            if (options.StatePath is not null) CalibrationState.Save(options.StatePath, key, done, skipped, sums);
            throw;
        }

        if (sums.Sums.Count == 0)
            throw new ArgumentException($"None of {images.Count} image(s) could be used; the first: {skipped[0]}", nameof(images));
        var split = sums.Sums.ToDictionary(s => s.Key, s => PriorAccumulator.SplitHalf(s.Value));
        var known = split.Values.Where(double.IsFinite).ToArray();
        return new CalibrationResult(
            new PositionalBiasPrior("calibrated", sums.Maps())
            {
                ModelFingerprint = model.Info.Fingerprint,
                TemplateHash = model.Info.TemplateHash,
                ImageCount = done - skipped.Count,
                SplitHalfCorrelation = known.Length > 0 ? known.Min() : null,
            },
            split,
            skipped);
    }

    private static string? Add(
        VisionLanguageModel model, string file, CalibrationOptions options, PriorAccumulator sums, int half,
        CancellationToken cancellationToken)
    {
        using var inference = torch.inference_mode();
        using var scope = torch.NewDisposeScope();
        ProcessedImage image;
        try
        {
            image = model.ImageProcessor.Process(
                Fit(ImageDecoder.Decode(RegularFile.ReadAllBytes(file, ImageLimits.Default.MaxBytes), null, cancellationToken),
                    model.Blueprint.CalibrationSide), cancellationToken);
        }
        catch (Exception e) when (e is ImageDecodeException or IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }

        var prompt = model.PromptEncoder.Encode(
            [new ChatTurn("user", [new ImagePart(ReadOnlyMemory<byte>.Empty), new TextPart(options.Prompt)])], [image]);
        var trace = new ForwardTrace { RecordAttention = true, AttentionLayers = options.Layers.Select(k => k - 1).ToHashSet(),
            StopAfterLayer = options.Layers.Max() - 1 };
        var vision = model.Vision.Encode(image, false, cancellationToken.ThrowIfCancellationRequested);
        using var prefill = PromptForward.Run(model.Decoder, prompt, [vision], new PrefillOptions { Trace = trace }, cancellationToken);
        foreach (var k in options.Layers.Distinct())
        {
            var row = trace.Attention[k - 1];
            foreach (var component in prompt.Layouts[0].Components)
                sums.Add(k, component, [.. component.Positions.Select(p => row[p])], half);
        }

        return null;
    }

    // Families whose grid depends on the image are calibrated on squares of one size, so that maps can be averaged.
    private static DecodedImage Fit(DecodedImage image, int? side)
    {
        if (side is not { } s) return image;
        var edge = Math.Min(image.Width, image.Height);
        var (left, top) = ((image.Width - edge) / 2, (image.Height - edge) / 2);
        var square = new byte[edge * edge * 3];
        for (var y = 0; y < edge; y++) Array.Copy(image.Rgb, ((top + y) * image.Width + left) * 3, square, y * edge * 3, edge * 3);
        return new DecodedImage(s, s, edge == s ? square : PillowResizer.Resize(square, edge, edge, s, s, ResampleFilter.Bicubic));
    }

    private static string Key(VisionLanguageModel model, IReadOnlyList<string> images, CalibrationOptions options)
    {
        var text = new StringBuilder().AppendLine(model.Info.Fingerprint).AppendLine(model.Info.TemplateHash).AppendLine(model.Info.DType)
            .AppendLine(options.Prompt).AppendLine(string.Join(',', options.Layers));
        foreach (var p in images)
            text.Append(Path.GetFileName(p)).Append(' ').Append(new FileInfo(p) is { Exists: true } f ? f.Length : -1).AppendLine();
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
