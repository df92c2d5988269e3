using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Conformance;

/// <summary>Runs the cases of one vocabulary of a tokenizers folder.</summary>
internal sealed class TokenizerRunner
{
    private readonly ITokenizer _tokenizer;
    private readonly JsonElement _json;

    public TokenizerRunner(string folder, string name)
    {
        _json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, name + ".json"))).RootElement;
        _tokenizer = TokenizerLoader.FromTokenizerJson(Vocabulary(folder, name));
    }

    /// <summary>Names of the vocabularies in a folder.</summary>
    public static IEnumerable<string> Names(string folder) => Directory.GetDirectories(folder)
        .Where(d => File.Exists(d + ".json")
            && (File.Exists(Path.Combine(d, "tokenizer.json")) || File.Exists(Path.Combine(d, "overrides.json"))))
        .Select(d => Path.GetFileName(d)!)
        .Order(StringComparer.Ordinal);

    public ITokenizer Tokenizer => _tokenizer;

    public IReadOnlyList<JsonElement> Cases => [.. _json.GetProperty("cases").EnumerateArray()];

    public IReadOnlyList<JsonElement> DecodeCases => [.. _json.GetProperty("decode_cases").EnumerateArray()];

    public JsonObject Encode(JsonElement c)
    {
        var ids = _tokenizer.Encode(c.GetProperty("text").GetString()!);
        var result = Decode(ids);
        result.Insert(0, "ids", new JsonArray([.. ids.Select(i => JsonValue.Create(i))]));
        return result;
    }

    public JsonObject Decode(JsonElement c) => Decode([.. c.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())]);

    private JsonObject Decode(int[] ids) => new()
    {
        ["decoded"] = _tokenizer.Decode(ids, skipSpecialTokens: true),
        ["decoded_with_special"] = _tokenizer.Decode(ids, skipSpecialTokens: false),
    };

    // overrides.json is the parent's file with some keys replaced; its parent is the folder whose name it shares a beginning with.
    private static JsonElement Vocabulary(string folder, string name)
    {
        var own = Path.Combine(folder, name, "tokenizer.json");
        if (File.Exists(own)) return JsonDocument.Parse(File.ReadAllBytes(own)).RootElement;
        var parent = Directory.GetDirectories(folder)
            .Where(d => File.Exists(Path.Combine(d, "tokenizer.json")))
            .MaxBy(d => Path.GetFileName(d)!.Zip(name).TakeWhile(p => p.First == p.Second).Count())!;
        var merged = JsonNode.Parse(File.ReadAllBytes(Path.Combine(parent, "tokenizer.json")))!.AsObject();
        foreach (var (key, value) in JsonNode.Parse(File.ReadAllBytes(Path.Combine(folder, name, "overrides.json")))!.AsObject())
            merged[key] = value?.DeepClone();
        return JsonSerializer.SerializeToElement(merged);
    }
}
