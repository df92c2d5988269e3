using System.Text.Json.Nodes;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Text;
using Xunit;

namespace D2Pruner.AI.Tests.Models;

/// <summary>The same vocabulary in another form of files gives the same ids.</summary>
public sealed class TokenizerFormTests
{
    private static readonly string[] Texts =
    [
        "", " ", "What is shown?", "  two  spaces ", "a\n\nb\r\n", "naïve café ŀ", "日本語 text", "emoji 😀 here", "12 345", "I'LL don't",
            "<|im_start|>user\nHi<|im_end|>", "x<img><IMG_CONTEXT></img>y",
        "cafe\u0301", "\u00a0nbsp\u0085", "tabs\tand\u000bmore",
    ];

    [Fact]
    public void VocabularyAndMerges_EqualTokenizerJson()
    {
        var files = TokenizerLoader.Load(Model("internvl-qwen2"));
        var json = TokenizerLoader.Load(Model("internvl-hf"));
        Assert.False(File.Exists(Path.Combine(Model("internvl-qwen2"), "tokenizer.json")));
        foreach (var text in Texts)
        {
            var ids = json.Encode(text);
            Assert.Equal(ids, files.Encode(text));
            Assert.Equal(json.Decode(ids), files.Decode(ids));
            Assert.Equal(json.Decode(ids, false), files.Decode(ids, false));
        }

        Assert.Equal(json.TokenToId("<IMG_CONTEXT>"), files.TokenToId("<IMG_CONTEXT>"));
        Assert.Equal(json.EosId, files.EosId);
    }

    [Fact]
    public void SentencePiece_RoundTrips_AndKnowsItsAddedTokens()
    {
        var tokenizer = TokenizerLoader.Load(Model("internvl-internlm2"));
        Assert.False(File.Exists(Path.Combine(Model("internvl-internlm2"), "tokenizer.json")));
        foreach (var text in Texts)
        {
            var ids = tokenizer.Encode(text);
            Assert.Equal(tokenizer.BosId, ids[0]);
            Assert.Equal(text, tokenizer.Decode([.. ids.Skip(1)], skipSpecialTokens: false));
        }

        Assert.Equal(442, tokenizer.TokenToId("<IMG_CONTEXT>"));
        Assert.Equal(1, tokenizer.Encode("<IMG_CONTEXT>").Count(i => i == 442));
        Assert.True(tokenizer.IsSpecial(442));
    }

    // LlamaTokenizerFast makes its post-processor of the flags, which are true and false by default; the others keep the file's, a BOS.
    [Theory]
    [InlineData("LlamaTokenizer", true, false, true, false)]
    [InlineData("LlamaTokenizer", null, null, true, false)]
    [InlineData("LlamaTokenizer", null, true, true, true)]
    [InlineData("LlamaTokenizerFast", false, null, false, false)]
    [InlineData("InternLM2TokenizerFast", false, true, false, true)]
    [InlineData("PreTrainedTokenizerFast", false, true, true, false)]
    [InlineData("Qwen2Tokenizer", false, true, true, false)]
    [InlineData(null, false, true, true, false)]
    public void TokensAroundAText_AreTheFlagsOrTheFilesByClass(string? type, bool? addBos, bool? addEos, bool bos, bool eos)
    {
        using var folder = new TemporaryFolder();
        var tokenizer = TokenizerLoader.Load(Changed(folder, "tokenizer_config.json", c =>
        {
            c["tokenizer_class"] = type;
            c["add_bos_token"] = addBos;
            c["add_eos_token"] = addEos;
        }));
        var (ids, plain) = (tokenizer.Encode("What is shown?"), tokenizer.Encode("What is shown?", addSpecialTokens: false));
        Assert.Equal((bos, eos), (ids[0] == tokenizer.BosId, ids[^1] == tokenizer.EosId));
        Assert.Equal(plain, ids[(bos ? 1 : 0)..^(eos ? 1 : 0)]);
    }

    [Fact]
    public void LlamasBos_NeedsNoPostProcessor()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = TokenizerLoader.Load(Changed(folder, "tokenizer.json", c => c["post_processor"] = null));
        Assert.Equal(TokenizerLoader.Load(Model("llava-1.5-a")).Encode("What is shown?"), tokenizer.Encode("What is shown?"));
    }

    private static string Changed(TemporaryFolder folder, string file, Action<JsonObject> change)
    {
        var model = folder.Copy(Model("llava-1.5-a"), f => f.StartsWith("tokenizer", StringComparison.Ordinal));
        var path = Path.Combine(model, file);
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(json);
        File.WriteAllText(path, json.ToJsonString());
        return model;
    }

    private static string Model(string fixture) => Path.Combine(FixtureFolders.Copies!, fixture, "model");
}
