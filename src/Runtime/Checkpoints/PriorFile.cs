using D2Pruner.AI.Runtime.Models;
using System.Globalization;
using System.Text.RegularExpressions;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>Reads and writes priors: tensors <c>K&lt;layer&gt;.&lt;component&gt;</c> [rows, cols] fp32 with provenance as metadata (absent metadata is accepted).</summary>
public static partial class PriorFile
{
    /// <summary>Reads a prior.</summary>
    /// <exception cref="SafetensorsException">The file is damaged or holds something else.</exception>
    public static PositionalBiasPrior Load(string path)
    {
        using var file = SafetensorsFile.Open(path);
        var maps = new Dictionary<(int, string), PriorMap>();
        foreach (var name in file.Names)
        {
            var match = Name().Match(name);
            var entry = file.Find(name)!;
            if (!match.Success || entry.Type != TorchSharp.torch.ScalarType.Float32 || entry.Shape.Length != 2)
                throw new SafetensorsException(path, $"the tensor '{name}' is no prior map; expected K<layer>.<component> of type F32 with two axes.");
            try
            {
                maps[(int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture), match.Groups[2].Value)] = new PriorMap((int)entry.Shape[0], (int)entry.Shape[1], file.ReadArray<float>(name));
            }
            catch (ArgumentException e)
            {
                throw new SafetensorsException(path, $"the tensor '{name}': {e.Message}", e);
            }
        }

        if (maps.Count == 0) throw new SafetensorsException(path, "it holds no prior map.");
        string? Text(string key) => file.Metadata.TryGetValue(key, out var v) ? v : null;
        return new PositionalBiasPrior(Path.GetFileName(path), maps)
        {
            ModelFingerprint = Text("model_fingerprint"),
            TemplateHash = Text("template_hash"),
            PictureCount = int.TryParse(Text("picture_count"), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : null,
            SplitHalfCorrelation = double.TryParse(Text("split_half_correlation"), NumberStyles.Float, CultureInfo.InvariantCulture, out var r) ? r : null,
        };
    }

    /// <summary>Writes a prior.</summary>
    public static void Save(PositionalBiasPrior prior, string path)
    {
        ArgumentNullException.ThrowIfNull(prior);
        var writer = new SafetensorsWriter();
        foreach (var ((layer, component), map) in prior.Maps) writer.Add($"K{layer}.{component}", map.Values, map.Rows, map.Columns);
        void Note(string key, IFormattable? value) { if (value is not null) writer.Metadata[key] = value.ToString(null, CultureInfo.InvariantCulture); }
        if (prior.ModelFingerprint is { } fingerprint) writer.Metadata["model_fingerprint"] = fingerprint;
        if (prior.TemplateHash is { } hash) writer.Metadata["template_hash"] = hash;
        Note("picture_count", prior.PictureCount);
        Note("split_half_correlation", prior.SplitHalfCorrelation);
        writer.Write(path);
    }

    [GeneratedRegex(@"^K([1-9]\d{0,3})\.(\w+)$")]
    private static partial Regex Name();
}
