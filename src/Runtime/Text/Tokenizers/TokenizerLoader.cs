using System.Text.Json;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>Loads tokenizers from the files that models come with.</summary>
internal static class TokenizerLoader
{
    /// <summary>
    /// Loads the tokenizer of a model folder: tokenizer.json, else vocab.json with merges.txt, else SentencePiece's tokenizer.model;
    /// named and added tokens from tokenizer_config.json, special_tokens_map.json and added_tokens.json.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="TokenizerException">There is none, or it cannot be read, or its form is not
    /// supported; the message says which.</exception>
    public static ITokenizer Load(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var (json, vocabulary, merges, pieces) =
            (Path.Combine(folder, "tokenizer.json"), Path.Combine(folder, "vocab.json"), Path.Combine(folder, "merges.txt"),
                Path.Combine(folder, "tokenizer.model"));
        var config = TokenizerConfig.Read(folder);
        if (File.Exists(json)) return FromFile(json, null, config);
        if (File.Exists(vocabulary) && File.Exists(merges)) return new BpeTokenizer(VocabularyFiles.Read(vocabulary, merges, config));
        if (File.Exists(pieces)) return new BpeTokenizer(SentencePieceVocabulary.Read(pieces, config));
        throw new TokenizerException(
            $"'{folder}' has no tokenizer; expected tokenizer.json, or vocab.json and merges.txt, or tokenizer.model. Copy them from the " +
            "model's repository.");
    }

    /// <summary>Loads a tokenizer.json by path, files beside it not read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="overridesPath">A JSON object whose top-level keys replace the file's; null for none.</param>
    /// <exception cref="TokenizerException">One cannot be read, or the form is not supported.</exception>
    public static ITokenizer FromTokenizerJson(string path, string? overridesPath = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        return FromFile(path, overridesPath, TokenizerConfig.Empty);
    }

    /// <summary>Loads from tokenizer.json's content.</summary>
    /// <param name="json">The root object.</param>
    /// <param name="overrides">An object whose keys replace the root's; null for none.</param>
    /// <exception cref="TokenizerException">It cannot be read, or the form is not supported.</exception>
    public static ITokenizer FromTokenizerJson(JsonElement json, JsonElement? overrides = null) =>
        new BpeTokenizer(TokenizerJson.Read(json, overrides, TokenizerConfig.Empty));

    private static BpeTokenizer FromFile(string path, string? overridesPath, TokenizerConfig config)
    {
        using var json = JsonReading.ParseFile(path);
        using var overrides = overridesPath is null ? null : JsonReading.ParseFile(overridesPath);
        try
        {
            return new BpeTokenizer(TokenizerJson.Read(json.RootElement, overrides?.RootElement, config));
        }
        catch (TokenizerException e)
        {
            throw new TokenizerException($"'{path}': {e.Message}", e);
        }
    }
}
