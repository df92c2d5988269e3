using D2Pruner.AI.Runtime.Models;
using System.Globalization;
using System.Text.RegularExpressions;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>Reads and writes priors: tensors <c>K&lt;layer&gt;.&lt;component&gt;</c> [rows, cols] fp32 with provenance as metadata
/// (absent metadata is accepted).</summary>
internal static partial class PriorFile
{
    /// <summary>Name of the checkpoint's own prior beside a model. Those of a precision have it before the ending.</summary>
    public const string FileName = Prefix + Ending;

    /// <summary>Split-half correlations below this are low: the two halves of the images disagree,
    /// and the prior is mostly noise.</summary>
    public const double LowCorrelation = 0.5;

    private const string Prefix = "d2pruner-priors";
    private const string Ending = ".safetensors";
    private const int MaxSide = 4096;

    /// <summary>Whether a file beside a model is a prior by its name, of whatever precision: not one of the model's weights.</summary>
    /// <param name="fileName">The name, without a folder.</param>
    public static bool IsName(string fileName) =>
        fileName.StartsWith(Prefix + ".", StringComparison.Ordinal) && fileName.EndsWith(Ending, StringComparison.Ordinal);

    /// <summary>Reads a prior.</summary>
    /// <exception cref="SafetensorsException">The file is missing, damaged, no regular file, or holds something else.</exception>
    public static PositionalBiasPrior Load(string path)
    {
        using var file = Open(path);
        var maps = new Dictionary<(int, string), PriorMap>();
        foreach (var name in file.Names)
        {
            var match = Name().Match(name);
            var entry = file.Find(name)!;
            if (!match.Success || entry.Shape.Any(d => d is < 1 or > MaxSide) || entry.Type != TorchSharp.torch.ScalarType.Float32
                || entry.Shape.Length != 2)
                throw new SafetensorsException(
                    path, $"the tensor '{name}' is no prior map; expected K<layer>.<component> of type F32 with two axes of 1 to " +
                    $"{MaxSide}.");
            try
            {
                maps[(int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture), match.Groups[2].Value)] =
                    new PriorMap((int)entry.Shape[0], (int)entry.Shape[1], file.ReadArray<float>(name));
            }
            catch (ArgumentException e)
            {
                throw new SafetensorsException(path, $"the tensor '{name}': {e.Message}", e);
            }
        }

        if (maps.Count == 0) throw new SafetensorsException(path, "it holds no prior map.");
        string? Text(string key) => file.Metadata.TryGetValue(key, out var v) ? v : null;
        double? correlation = double.TryParse(Text("split_half_correlation"), NumberStyles.Float, CultureInfo.InvariantCulture, out var r)
            ? r : null;
        // Whatever reports a prior by its id reports this with it.
        var id = Path.GetFileName(path)
            + (correlation < LowCorrelation
                ? string.Create(CultureInfo.InvariantCulture, $" (noisy: split-half correlation {correlation:F2})") : "");
        return new PositionalBiasPrior(id, maps)
        {
            ModelFingerprint = Text("model_fingerprint"),
            TemplateHash = Text("template_hash"),
            ImageCount = int.TryParse(Text("picture_count"), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : null,
            SplitHalfCorrelation = correlation,
        };
    }

    /// <summary>Writes a prior, whole or not at all.</summary>
    /// <exception cref="IOException">The disk is full, or the target cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The target's folder may not be written.</exception>
    public static void Save(PositionalBiasPrior prior, string path)
    {
        ArgumentNullException.ThrowIfNull(prior);
        var writer = new SafetensorsWriter();
        foreach (var ((layer, component), map) in prior.Maps) writer.Add($"K{layer}.{component}", map.Values, map.Rows, map.Columns);
        void Note(string key, IFormattable? value) { if (value is not null) writer.Metadata[key] = value.ToString(
            null, CultureInfo.InvariantCulture); }
        if (prior.ModelFingerprint is { } fingerprint) writer.Metadata["model_fingerprint"] = fingerprint;
        if (prior.TemplateHash is { } hash) writer.Metadata["template_hash"] = hash;
        Note("picture_count", prior.ImageCount);
        Note("split_half_correlation", prior.SplitHalfCorrelation);
        writer.Write(path);
    }

    private static SafetensorsFile Open(string path)
    {
        try
        {
            return SafetensorsFile.Open(path);
        }
        catch (Exception e) when (e is FileNotFoundException or UnauthorizedAccessException)
        {
            throw new SafetensorsException(path, e.Message, e);
        }
    }

    [GeneratedRegex(@"^K([1-9]\d{0,3})\.(\w+)$")]
    private static partial Regex Name();
}
