using System.Text;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>
/// Reads a SentencePiece tokenizer.model of the BPE kind (InternLM2, Llama). The text between added tokens is encoded piece by
/// piece, each as SentencePiece encodes a whole text, which is what the models' Python tokenizers do.
/// </summary>
internal static class SentencePieceVocabulary
{
    /// <exception cref="TokenizerException">The file cannot be read or is of another kind.</exception>
    public static TokenizerModel Read(string path, TokenizerConfig config)
    {
        var model = Parse(path);
        Check(path, model);
        var pieces = model.Pieces;
        var vocabulary = new Dictionary<string, int>(pieces.Count, StringComparer.Ordinal);
        var mergeable = new Dictionary<string, int>(pieces.Count, StringComparer.Ordinal);
        var added = config.Added.ToDictionary(a => a.Id);
        for (var id = 0; id < pieces.Count; id++)
        {
            var (text, _, kind) = pieces[id];
            vocabulary.TryAdd(text, id);
            switch (kind)
            {
                case PieceKind.Normal:
                    mergeable.TryAdd(text, id);
                    break;
                case PieceKind.Control or PieceKind.Unknown:
                    added.TryAdd(id, new AddedToken(id, text, Special: true));
                    break;
                case PieceKind.UserDefined:
                    // Found as it stands in the normalised text; nothing merges with it.
                    added.TryAdd(id, new AddedToken(id, text, Special: false) { Normalized = true });
                    break;
            }
        }

        int? Id(string? name) => name is null ? null
            : added.Values.FirstOrDefault(a => a.Content == name)?.Id ?? (vocabulary.TryGetValue(name, out var id) ? id : null);
        int? Control(string key, string usual) => Id(config.Named(key)) ?? (config.Named(key) is null ? Id(usual) : null);
        var (bos, eos) = (Control("bos_token", "<s>"), Control("eos_token", "</s>"));
        return new TokenizerModel
        {
            Vocabulary = vocabulary,
            Merges = new ScoredMerges([.. pieces.Select(p => p.Text)], [.. pieces.Select(p => p.Score)], mergeable),
            Added = [.. added.Values],
            Normalize = text => Normalize(text, model),
            Decoder = DecoderKind.SentencePiece,
            ByteFallback = true,
            FuseUnknown = true,
            UnknownId = pieces.FindIndex(p => p.Kind == PieceKind.Unknown) is >= 0 and var unknown ? unknown : null,
            Prefix = (config.AddBos ?? true) && bos is { } b ? [b] : [],
            Suffix = config.AddEos == true && eos is { } e ? [e] : [],
            BosId = bos,
            EosId = eos,
            PadId = Id(config.Named("pad_token")),
        };
    }

    private static SentencePieceModel Parse(string path)
    {
        try
        {
            return SentencePieceModel.Parse(RegularFile.ReadAllBytes(path));
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new TokenizerException(
                $"'{path}' is not a readable SentencePiece model: {e.Message}. (A Git LFS pointer instead of the file looks like " +
                "this too.)", e);
        }
    }

    private static void Check(string path, SentencePieceModel model)
    {
        if (model.Pieces.Count == 0) throw new TokenizerException($"'{path}' holds no pieces; expected a SentencePiece model.");
        if (model.Algorithm != 2)
            throw new TokenizerException($"'{path}' is a SentencePiece model of kind {model.Algorithm}; supported is 2 (BPE).");
        if (model.HasCharacterMap)
            throw new TokenizerException(
                $"'{path}' normalises by '{model.Normalization}'; supported is 'identity'. Use a tokenizer.json of the model instead.");
        if (!model.EscapeWhitespaces || model.WhitespaceAsSuffix)
            throw new TokenizerException($"'{path}' keeps spaces as they are or at the end of pieces; supported is ▁ at the beginning.");
    }

    private static string Normalize(string text, SentencePieceModel model)
    {
        if (model.RemoveExtraWhitespaces) text = OneSpace(text);
        if (text.Length == 0) return text;
        return (model.AddDummyPrefix ? " " + text : text).Replace(' ', '▁');
    }

    private static string OneSpace(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text.AsSpan().Trim(' '))
        {
            if (c != ' ' || result[^1] != ' ') result.Append(c);
        }

        return result.ToString();
    }
}
