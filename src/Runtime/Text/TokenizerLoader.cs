using System.Text.Json;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>Loads the tokenizer of a model folder.</summary>
public static class TokenizerLoader
{
    /// <summary>Loads from a folder: tokenizer.json.</summary>
    /// <exception cref="TokenizerException">There is none, or it cannot be read.</exception>
    public static ITokenizer Load(string folder)
    {
        var path = Path.Combine(folder, "tokenizer.json");
        if (File.Exists(path)) return FromTokenizerJson(Parse(path));
        throw new TokenizerException($"'{folder}' has no tokenizer.json.");
    }

    /// <summary>Loads from tokenizer.json's content.</summary>
    /// <param name="json">The root object.</param>
    /// <exception cref="TokenizerException">It cannot be read.</exception>
    public static ITokenizer FromTokenizerJson(JsonElement json) => new BpeTokenizer(TokenizerJson.Read(json));

    private static JsonElement Parse(string path)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;
        }
        catch (JsonException e)
        {
            throw new TokenizerException($"'{path}' is not valid JSON: {e.Message}", e);
        }
    }
}
