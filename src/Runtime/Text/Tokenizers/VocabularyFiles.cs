using System.Text;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>Reads vocab.json and merges.txt of a Qwen2 model (byte-level BPE) whose folder has no tokenizer.json.</summary>
internal static class VocabularyFiles
{
    /// <exception cref="TokenizerException">They cannot be read.</exception>
    public static TokenizerModel Read(string vocabularyPath, string mergesPath, TokenizerConfig config)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        using (var json = JsonReading.ParseFile(vocabularyPath))
        {
            JsonReading.Guard($"'{vocabularyPath}'", () =>
            {
                foreach (var p in json.RootElement.EnumerateObject()) vocabulary[p.Name] = p.Value.GetInt32();
                return true;
            });
        }

        var merges = new RankedMerges(vocabulary);
        foreach (var line in Lines(mergesPath)) merges.Add(line);
        int? Id(string key) => config.Named(key) is not { } name ? null
            : config.Added.FirstOrDefault(a => a.Content == name)?.Id ?? (vocabulary.TryGetValue(name, out var id) ? id : null);
        var (bos, eos) = (Id("bos_token"), Id("eos_token"));
        return new TokenizerModel
        {
            Vocabulary = vocabulary,
            Merges = merges,
            Added = config.Added,
            Normalize = Nfc.Normalize,
            Words = (s, _) => Qwen2Splitter.Split(s),
            Decoder = DecoderKind.ByteLevel,
            Prefix = config.AddBos == true && bos is { } b ? [b] : [],
            Suffix = config.AddEos == true && eos is { } e ? [e] : [],
            BosId = bos,
            EosId = eos,
            PadId = Id("pad_token"),
        };
    }

    // The first line may name a version; a merge of '#' never stands there with this word.
    private static IEnumerable<string> Lines(string path)
    {
        string[] lines;
        try
        {
            lines = RegularFile.ReadAllText(path).Split('\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            throw new TokenizerException($"'{path}' cannot be read: {e.Message}", e);
        }

        return lines.Select(l => l.TrimEnd('\r'))
            .Where((l, i) => l.Length > 0 && !(i == 0 && l.StartsWith("#version", StringComparison.Ordinal)));
    }
}
