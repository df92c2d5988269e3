using System.Globalization;
using System.Text.Json;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>What tokenizer_config.json, special_tokens_map.json and added_tokens.json of a folder add to the vocabulary.</summary>
internal sealed class TokenizerConfig
{
    private static readonly string[] LlamaKinds =
        ["LlamaTokenizer", "LlamaTokenizerFast", "InternLM2Tokenizer", "InternLM2TokenizerFast"];

    private readonly Dictionary<string, string> _named = [];

    /// <summary>No files.</summary>
    public static TokenizerConfig Empty { get; } = new();

    /// <summary>Whether a BOS is added, where the configuration says so.</summary>
    public bool? AddBos { get; private set; }

    /// <summary>Whether an EOS is added, where the configuration says so.</summary>
    public bool? AddEos { get; private set; }

    /// <summary>
    /// Whether the tokenizer's class makes its post-processor of <see cref="AddBos"/> and <see cref="AddEos"/>, whatever tokenizer.json
    /// says: Llama's and InternLM2's do (<c>update_post_processor</c>); PreTrainedTokenizerFast and Qwen2's keep the file's.
    /// </summary>
    public bool MakesPostProcessor { get; private set; }

    /// <summary>Added tokens by id: added_tokens.json's names with added_tokens_decoder's flags.</summary>
    public IReadOnlyList<AddedToken> Added { get; private set; } = [];

    /// <summary>Text of <c>bos_token</c>, <c>eos_token</c>, <c>pad_token</c> or <c>unk_token</c>, or null.</summary>
    public string? Named(string key) => _named.GetValueOrDefault(key);

    /// <summary>Reads a folder's files; each may be absent.</summary>
    /// <exception cref="TokenizerException">One cannot be read.</exception>
    public static TokenizerConfig Read(string folder)
    {
        var config = new TokenizerConfig();
        var special = new HashSet<string>(StringComparer.Ordinal);
        var added = new SortedDictionary<int, AddedToken>();
        config.Take(folder, "special_tokens_map.json", json => config.TakeNames(json, special));
        config.Take(folder, "tokenizer_config.json", json =>
        {
            config.TakeNames(json, special);
            config.AddBos = json.Flag("add_bos_token");
            config.AddEos = json.Flag("add_eos_token");
            config.MakesPostProcessor = json.Text("tokenizer_class") is { } name && LlamaKinds.Contains(name);
            if (json.Find("added_tokens_decoder") is not { } decoder) return;
            foreach (var p in decoder.EnumerateObject())
            {
                var id = int.Parse(p.Name, NumberStyles.None, CultureInfo.InvariantCulture);
                added[id] = TokenizerJson.AddedToken(p.Value, id);
            }
        });
        config.Take(folder, "added_tokens.json", json =>
        {
            foreach (var p in json.EnumerateObject())
            {
                var id = p.Value.GetInt32();
                if (!added.TryGetValue(id, out var known)) added[id] = new AddedToken(id, p.Name, special.Contains(p.Name));
                else if (known.Content != p.Name)
                    throw new TokenizerException(
                        $"'{folder}' names the id {id} '{p.Name}' in added_tokens.json and '{known.Content}' in tokenizer_config.json.");
            }
        });
        config.Added = [.. added.Values];
        return config;
    }

    private void Take(string folder, string file, Action<JsonElement> take)
    {
        var path = Path.Combine(folder, file);
        if (!File.Exists(path)) return;
        using var json = JsonReading.ParseFile(path);
        JsonReading.Guard($"'{path}'", () =>
        {
            take(json.RootElement);
            return true;
        });
    }

    private void TakeNames(JsonElement json, HashSet<string> special)
    {
        foreach (var key in (string[])["bos_token", "eos_token", "pad_token", "unk_token"])
        {
            if (!json.TryGetProperty(key, out var value)) continue;
            if (Content(value) is { } name) special.Add(_named[key] = name);
            else _named.Remove(key);
        }

        if (json.Find("additional_special_tokens") is not { } more) return;
        foreach (var m in more.EnumerateArray())
        {
            if (Content(m) is { } name) special.Add(name);
        }
    }

    // A token is written as its text or as an object with its text.
    private static string? Content(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()
        : value.Text("content");
}
