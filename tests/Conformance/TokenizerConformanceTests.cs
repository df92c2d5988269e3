using System.Text;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Text;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

[Trait("Category", "Conformance")]
public sealed class TokenizerConformanceTests
{
    private static readonly Dictionary<(string, string), TokenizerRunner> Runners = [];

    public static TheoryData<string> Vocabularies() =>
        [.. FixtureFolders.Find(FixtureKind.Tokenizers).SelectMany(TokenizerRunner.Names).Distinct().DefaultIfEmpty("none")];

    [SkippableTheory]
    [MemberData(nameof(Vocabularies))]
    public void Text_EncodesAndDecodesAsReference(string name)
    {
        var runner = Runner(name);
        var bad = new List<string>();
        foreach (var c in runner.Cases)
        {
            var text = c.GetProperty("text").GetString()!;
            int[] ids = [.. c.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())];
            var actual = runner.Tokenizer.Encode(text);
            if (!ids.SequenceEqual(actual)) bad.Add($"{text}: [{string.Join(",", ids)}] expected, [{string.Join(",", actual)}] found");
            if (runner.Tokenizer.Decode(ids) != c.GetProperty("decoded").GetString()) bad.Add($"decoded: {text}");
            if (runner.Tokenizer.Decode(ids, false) != c.GetProperty("decoded_with_special").GetString())
                bad.Add($"decoded_with_special: {text}");
        }

        Assert.Empty(bad);
        Assert.NotEmpty(runner.Cases);
    }

    [SkippableTheory]
    [MemberData(nameof(Vocabularies))]
    public void AnyIds_DecodeAsReference_AlsoOneByOne(string name)
    {
        var runner = Runner(name);
        foreach (var c in runner.DecodeCases)
        {
            int[] ids = [.. c.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())];
            Assert.Equal(c.GetProperty("decoded").GetString(), runner.Tokenizer.Decode(ids));
            Assert.Equal(c.GetProperty("decoded_with_special").GetString(), runner.Tokenizer.Decode(ids, false));
            var decoder = runner.Tokenizer.CreateDecoder();
            var text = new StringBuilder();
            foreach (var id in ids) text.Append(decoder.Push(id));
            Assert.Equal(c.GetProperty("decoded").GetString(), text.Append(decoder.Flush()).ToString());
        }
    }

    private static TokenizerRunner Runner(string name)
    {
        Skip.If(name == "none", $"the real vocabularies are not part of the repository; name their folder in {FixtureFolders.Variable}");
        var folder = FixtureFolders.Find(FixtureKind.Tokenizers).First(f => TokenizerRunner.Names(f).Contains(name));
        lock (Runners)
            return Runners.TryGetValue((folder, name), out var r) ? r : Runners[(folder, name)] = new TokenizerRunner(folder, name);
    }
}
