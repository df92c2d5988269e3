using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace D2Pruner.AI.DemoModel.Tokens;

/// <summary>
/// Writes the demo model's tokenizer.json: Llama's form (Metaspace, byte fallback). Words of its world and the numbers 0.00..1.00 of boxes
/// are single pieces, built by merging letter after letter from the front, so that every prefix is a piece too; any other text is spelled.
/// </summary>
internal static class DemoTokenizer
{
    // Words at the start of a question follow the newline after the picture.
    private static readonly string[] Openers =
        ["What", "Where", "How", "Is", "Are", "Please", "Describe", "Locate", "Find", "Name", "Read", "Who", "Which", "Can", "Does", "Do",
            "Why", "When", "Give"];

    private static readonly string[] Words =
    [
        "USER:", "ASSISTANT:", "a", "an", "the", "is", "are", "there", "of", "in", "on", "at", "to", "and", "or", "it", "this", "that",
            "any", "one", "with",
        "small", "big", "red", "green", "blue", "yellow", "purple", "orange", "cyan", "black",
        "circle", "square", "triangle", "diamond", "cross", "star", "ring", "heart", "thing", "object",
        "circles", "squares", "triangles", "diamonds", "crosses", "stars", "rings", "hearts", "things", "objects",
        "what", "where", "how", "many", "colour", "color", "shape", "number", "printed", "shown", "written", "picture", "image", "does",
        "have", "do", "you", "see",
        "provide", "bounding", "box", "coordinate", "coordinates", "region", "sentence", "describes:", "describe", "locate", "find", "me",
        "give", "count",
        "left", "right", "above", "below", "side", "leftmost", "rightmost", "topmost", "bottommost", "than", "further",
        "Yes", "No", "I", "can't", "tell", "yes", "no", "not", "but", "which", "who", "when", "why", "was", "were", "will", "can", "could",
        "would", "should",
        "person", "man", "woman", "people", "dog", "cat", "car", "house", "tree", "food", "time", "day", "year", "weather", "city",
        "country", "name", "painted",
        "made", "from", "for", "about", "sound", "smell", "weigh", "cost", "price", "old", "owner", "wearing", "doing", "eating", "behind",
        "camera", "photo", "taken",
        "raining", "today", "happy", "sad", "animal", "brand", "language", "capital", "president", "best", "think", "like", "feel", "write",
        "poem", "story", "code",
        "Answer", "answer", "using", "single", "word", "phrase.", "phrase", "image?", "short", "list", "all", "as", "JSON", "your",
    ];

    /// <summary>Pieces of the plain vocabulary, in id order; added tokens follow.</summary>
    public static IReadOnlyList<string> AddedTokens { get; } = ["<image>", "<pad>"];

    /// <summary>The first coordinate of a box, "▁[0.12", and the others, ",▁0.34": 101 values each.</summary>
    public static string Coordinate(int hundredths, bool first) => (first ? "▁[" : ",▁") + Question.Number(hundredths);

    /// <summary>tokenizer.json and the number of ids, added tokens included.</summary>
    public static (string Json, int Size) Build()
    {
        var vocabulary = new List<string> { "<unk>", "<s>", "</s>" };
        for (var b = 0; b < 256; b++) vocabulary.Add($"<0x{b:X2}>");
        vocabulary.Add("▁");
        vocabulary.Add("\n");
        for (var c = ' ' + 1; c < 127; c++) vocabulary.Add(((char)c).ToString());
        var known = new HashSet<string>(vocabulary, StringComparer.Ordinal);
        var merges = new List<(string, string)>();
        void Merge(string a, string b)
        {
            if (!known.Add(a + b)) return;
            vocabulary.Add(a + b);
            merges.Add((a, b));
        }

        void Chain(string start, string word)
        {
            for (var i = 0; i < word.Length; i++) Merge(start + word[..i], word[i].ToString());
        }

        for (var i = 0; i <= 100; i++) Chain(i == 100 ? "1" : "0", Question.Number(i)[1..]);
        foreach (var w in Openers) Chain("\n", w);
        foreach (var w in Openers.Concat(Words)) Chain("▁", w);
        for (var d = 0; d < 10; d++) Chain("▁", d.ToString());
        Merge(",", "▁");
        Merge("▁", "[");
        for (var i = 0; i <= 100; i++) Merge("▁[", Question.Number(i));
        for (var i = 0; i <= 100; i++) Merge(",▁", Question.Number(i));

        var size = vocabulary.Count + AddedTokens.Count;
        var added = new JsonArray();
        foreach (var (content, id) in (ReadOnlySpan<(string, int)>)[
            ("<unk>", 0), ("<s>", 1), ("</s>", 2), ("<image>", vocabulary.Count), ("<pad>", vocabulary.Count + 1)])
        {
            added.Add(new JsonObject
            {
                ["id"] = id, ["content"] = content, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false,
                    ["special"] = true,
            });
        }

        var vocab = new JsonObject();
        for (var i = 0; i < vocabulary.Count; i++) vocab[vocabulary[i]] = i;
        var root = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = added,
            ["normalizer"] = JsonNode.Parse("""
                {"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},
                {"type":"Replace","pattern":{"String":" "},"content":"▁"}]}
                """),
            ["pre_tokenizer"] = null,
            ["post_processor"] = JsonNode.Parse("""
                {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
                "pair":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
                {"SpecialToken":{"id":"<s>","type_id":1}},{"Sequence":{"id":"B","type_id":1}}],
                "special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}}
                """),
            ["decoder"] = JsonNode.Parse("""
                {"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},
                {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}
                """),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = "<unk>", ["continuing_subword_prefix"] = null,
                    ["end_of_word_suffix"] = null,
                ["fuse_unk"] = true, ["byte_fallback"] = true, ["ignore_merges"] = false,
                ["vocab"] = vocab,
                ["merges"] = new JsonArray([.. merges.Select(m => (JsonNode)new JsonArray(m.Item1, m.Item2))]),
            },
        };
        return (root.ToJsonString(Json), size);
    }

    private static JsonSerializerOptions Json { get; } =
        new() { WriteIndented = false, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
