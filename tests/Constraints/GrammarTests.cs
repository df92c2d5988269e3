using System.Globalization;
using System.Text;
using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation;
using D2Pruner.AI.Runtime.Generation.Constraints;
using D2Pruner.AI.Runtime.Text;
using Xunit;

namespace D2Pruner.AI.Tests.Constraints;

[Collection("constraints")]
public sealed class GrammarTests
{
    private static readonly TokenVocabulary Bytes = new(NoiseModel.SentencePiece.Tokenizer, NoiseModel.SentencePiece.StopIds);

    private static (bool Alive, bool Whole) Run(Grammar grammar, string text) =>
        Run(new ByteAutomaton(grammar, Bytes), Encoding.UTF8.GetBytes(text));

    private static (bool Alive, bool Whole) Run(ByteAutomaton automaton, byte[] text)
    {
        var state = automaton.Advance(automaton.Start, text);
        return (state is not null, state?.Accepting == true);
    }

    private static bool Accepts(string schema, string text, bool strict = true) => Run(NoiseModel.Schema(schema, strict), text).Whole;

    /// <summary>The automaton against the plain matcher, byte by byte: texts that it writes itself, and the same with damage.</summary>
    [Fact]
    public void Automaton_AgreesWithAPlainMatcher_ByteByByte()
    {
        var compared = 0;
        for (var seed = 0; seed < 200; seed++)
        {
            var schema = new SchemaGenerator(seed).Next();
            var automaton = new ByteAutomaton(NoiseModel.Schema(schema), Bytes);
            var matcher = new ReferenceMatcher(schema);
            var random = new Random(seed);
            for (var round = 0; round < 6; round++)
            {
                var text = Walk(automaton, random, 160);
                if (round % 2 == 1) text = Damage(text, random);
                for (var n = 0; n <= text.Length; n++)
                {
                    var expected = matcher.Check(text[..n]);
                    var found = Run(automaton, text[..n]);
                    Assert.True(expected == found,
                        $"seed {seed}: {schema.GetRawText()}\n'{Encoding.UTF8.GetString(text[..n])}': automaton {found}, matcher " +
                        $"{expected}");
                    compared++;
                    if (!expected.Alive) break;
                }
            }
        }

        Assert.True(compared > 20000, compared.ToString(CultureInfo.InvariantCulture));
    }

    private static byte[] Walk(ByteAutomaton automaton, Random random, int most)
    {
        var text = new List<byte>();
        for (var state = automaton.Start; text.Count < most;)
        {
            var table = automaton.Table(state);
            int[] next = [.. Enumerable.Range(0, 256).Where(b => table[b] >= 0)];
            if (next.Length == 0 || (state.Accepting && random.Next(4) == 0)) break;
            // Long ranges of bytes (insides of strings) leave little room for the rest.
            var closing = next.Where(b => b is '"' or '}' or ']' or ',' or ':' or '{' or '[').ToArray();
            var b = closing.Length > 0 && random.Next(3) > 0 ? closing[random.Next(closing.Length)] : next[random.Next(next.Length)];
            text.Add((byte)b);
            state = automaton[table[b]];
        }

        return [.. text];
    }

    private static byte[] Damage(byte[] text, Random random)
    {
        var result = text.ToList();
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            var at = random.Next(result.Count + 1);
            var b = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)"{}[]\",: \n\t0159-.eEtfn\\ua"[random.Next(24)];
            if (at < result.Count && random.Next(3) == 0) result.RemoveAt(at);
            else if (at < result.Count && random.Next(2) == 0) result[at] = b;
            else result.Insert(at, b);
        }

        return [.. result];
    }

    [Theory]
    [InlineData("{\"type\":\"integer\",\"minimum\":-12,\"maximum\":105}", -12, 105)]
    [InlineData("{\"type\":\"integer\",\"exclusiveMinimum\":9,\"maximum\":99}", 10, 99)]
    [InlineData("{\"type\":\"integer\",\"minimum\":0.5,\"exclusiveMaximum\":7.5}", 1, 7)]
    [InlineData("{\"type\":\"integer\",\"maximum\":-3,\"minimum\":-1200}", -1200, -3)]
    public void Integers_AreExact(string schema, int low, int high)
    {
        var automaton = new ByteAutomaton(NoiseModel.Schema(schema), Bytes);
        for (var i = -1500; i <= 1500; i++)
            Assert.Equal(i >= low && i <= high, Run(automaton, Encoding.ASCII.GetBytes(i.ToString(CultureInfo.InvariantCulture))).Whole);
        foreach (var text in new[] { "-0", "00", "01", "+1", "1.0", "1e1", "--1", "" })
            Assert.False(Run(automaton, Encoding.ASCII.GetBytes(text)).Whole);
    }

    [Fact]
    public void Integers_WithoutBounds_FitAnInt_AndAnInt64WhereTheSchemaSaysSo()
    {
        Assert.True(Accepts("{\"type\":\"integer\"}", "-2147483648"));
        Assert.False(Accepts("{\"type\":\"integer\"}", "2147483648"));
        Assert.True(Accepts("{\"type\":\"integer\",\"format\":\"int64\"}", "1000000000000000000", strict: false));
        Assert.True(Accepts("{\"type\":\"integer\",\"minimum\":0,\"maximum\":99999999999}", "99999999999"));
    }

    [Theory]
    [InlineData("{\"type\":\"number\",\"minimum\":-2,\"maximum\":3}", false, false)]
    [InlineData("{\"type\":\"number\",\"exclusiveMinimum\":-2,\"exclusiveMaximum\":3}", true, true)]
    public void Numbers_BetweenIntegers_AreExact(string schema, bool withoutLow, bool withoutHigh)
    {
        var automaton = new ByteAutomaton(NoiseModel.Schema(schema), Bytes);
        for (var i = -50; i <= 50; i++)
        {
            var text = (i / 10m).ToString(CultureInfo.InvariantCulture);
            var inside = (withoutLow ? i > -20 : i >= -20) && (withoutHigh ? i < 30 : i <= 30);
            Assert.True(inside == Run(automaton, Encoding.ASCII.GetBytes(text)).Whole, text);
        }
    }

    [Theory]
    [InlineData("date", "2024-02-29", true)]
    [InlineData("date", "2023-02-29", false)]
    [InlineData("date", "2000-02-29", true)]
    [InlineData("date", "1900-02-29", false)]
    [InlineData("date", "2023-04-31", false)]
    [InlineData("date", "1999-12-31", true)]
    [InlineData("time", "23:59:59.123", true)]
    [InlineData("time", "24:00:00", false)]
    [InlineData("date-time", "2026-11-23T10:00:00Z", true)]
    [InlineData("date-time", "2026-11-23T10:00:00.5+01:30", true)]
    [InlineData("date-time", "2026-11-23 10:00:00Z", false)]
    [InlineData("uuid", "123e4567-e89b-12d3-a456-426614174000", true)]
    [InlineData("uuid", "123e4567e89b12d3a456426614174000", false)]
    [InlineData("ipv4", "192.168.0.255", true)]
    [InlineData("ipv4", "192.168.0.256", false)]
    public void Formats(string format, string text, bool expected) =>
        Assert.Equal(expected, Accepts($"{{\"type\":\"string\",\"format\":\"{format}\"}}", $"\"{text}\""));

    [Fact]
    public void EveryDay_OfFourHundredYears_IsADateOrIsNot()
    {
        var automaton = new ByteAutomaton(NoiseModel.Schema("{\"type\":\"string\",\"format\":\"date\"}"), Bytes);
        for (var year = 1800; year < 2200; year++)
        {
            for (var day = 28; day <= 30; day++)
            {
                var text = $"{year}-02-{day}";
                Assert.True(DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _) == Run(
                    automaton, Encoding.ASCII.GetBytes($"\"{text}\"")).Whole, text);
            }
        }
    }

    [Theory]
    [InlineData("{\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"boolean\"}],\"items\":false,\"minItems\":1}", "[1]", "[]")]
    [InlineData("{\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"boolean\"}],\"items\":{\"type\":\"null\"},\"minItems\":3}",
        "[1, true, null, null]", "[1, true]")]
    [InlineData("{\"type\":\"array\",\"prefixItems\":[],\"items\":{\"type\":\"integer\"},\"minItems\":1}", "[1]", "[, 1]")]
    [InlineData("{\"type\":\"array\",\"prefixItems\":[],\"items\":{\"type\":\"integer\"},\"maxItems\":2}", "[1, 2]", "[1, 2, 3]")]
    [InlineData("{\"type\":\"array\",\"prefixItems\":[],\"items\":false}", "[]", "[1]")]
    [InlineData("{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":4,\"maxItems\":4}", "[1,2,3,4]", "[1,2,3,4,5]")]
    [InlineData("{\"allOf\":[{\"$ref\":\"#/$defs/a\"},{\"properties\":{\"y\":{\"type\":\"integer\"}},\"required\":[\"y\"]}],\"$defs\":{\"a\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"null\"}},\"required\":[\"x\"]}}}", "{\"x\": null, \"y\": 1}", "{\"x\": null}")]
    [InlineData("{\"type\":\"object\",\"anyOf\":[{\"$ref\":\"#/$defs/a\",\"required\":[\"x\"]}],\"$defs\":{\"a\":{\"properties\":{\"x\":{\"type\":\"null\"}}}}}", "{\"x\": null}", "{}")]
    [InlineData("{\"type\":\"object\",\"anyOf\":[{\"$ref\":\"#/$defs/b\"}],\"$defs\":{\"b\":{\"$ref\":\"#/$defs/a\",\"required\":[\"x\"]},\"a\":{\"properties\":{\"x\":{\"type\":\"null\"}}}}}", "{\"x\": null}", "{}")]
    [InlineData("{\"allOf\":[{\"$ref\":\"#/$defs/b\"}],\"$defs\":{\"b\":{\"$ref\":\"#/$defs/a\",\"required\":[\"x\"]},\"a\":{\"properties\":{\"x\":{\"type\":\"null\"}}}}}", "{\"x\": null}", "{}")]
    [InlineData("{\"$ref\":\"#/$defs/any\",\"type\":\"null\",\"$defs\":{\"any\":true}}", "null", "1")]
    [InlineData("{\"type\":\"null\",\"anyOf\":[{\"$ref\":\"#/$defs/any\"}],\"$defs\":{\"any\":true}}", "null", "1")]
    [InlineData("{\"$ref\":\"#/$defs/a~1b\",\"$defs\":{\"a/b\":{\"type\":\"boolean\"}}}", "true", "null")]
    [InlineData("{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"a\"},\"n\":{\"type\":\"integer\"}},\"required\":[\"k\",\"n\"]},{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"b\"}},\"required\":[\"k\"]}]}", "{\"k\": \"b\"}", "{\"k\": \"a\"}")]
    [InlineData("{\"type\":[\"integer\",\"null\"],\"enum\":[1,\"x\",null]}", "null", "\"x\"")]
    [InlineData("{\"type\":\"string\",\"maxLength\":2}", "\"\\ud83d\\ude00😀\"", "\"abc\"")]
    [InlineData("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"}},\"additionalProperties\":{\"type\":\"integer\"}}",
        "{\"a\": null, \"b\": 1}", "{\"a\": 1}")]
    [InlineData("{\"allOf\":[{\"type\":[\"number\",\"null\"]},{\"type\":[\"integer\",\"string\"]}]}", "1", "1.5")]
    [InlineData("{\"type\":\"string\",\"pattern\":\"^-?(\\\\d+\\\\.)?\\\\d{2}:\\\\d{2}:\\\\d{2}(\\\\.\\\\d{1,7})?$\"}",
        "\"-12.23:59:59.1234567\"", "\"24:00:00\"")]
    [InlineData("{\"type\":\"object\",\"condition\":\"\",\"titel\":{},\"properties\":{\"a\":{\"type\":\"null\",\"unit\":\"cm\"}}}",
        "{\"a\": null}", "{\"a\": 1}")]
    public void Keywords(string schema, string whole, string refused)
    {
        Assert.True(Accepts(schema, whole));
        Assert.False(Accepts(schema, refused));
    }

    [Theory]
    [InlineData("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"pattern\":\"^x\"}}}", "pattern", "#/properties/a")]
    [InlineData("{\"type\":\"array\",\"items\":{\"not\":{}}}", "not", "#/items")]
    [InlineData("{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", "oneOf", "#")]
    [InlineData("{\"oneOf\":[{\"$ref\":\"#/$defs/a\",\"properties\":{\"q\":{\"type\":\"null\"}},\"required\":[\"q\"]},{\"type\":\"object\",\"properties\":{\"q\":{\"type\":\"null\"}},\"required\":[\"q\"]}],\"$defs\":{\"a\":{\"type\":\"object\",\"properties\":{\"p\":{\"type\":\"null\"}},\"required\":[\"p\"]}}}", "oneOf", "#")]
    [InlineData("{\"type\":\"array\",\"uniqueItems\":true}", "uniqueItems", "#")]
    [InlineData("{\"$ref\":\"https://example.com/other\"}", "$ref", "#")]
    [InlineData("{\"type\":\"string\",\"format\":\"email\"}", "format", "#")]
    [InlineData("{\"type\":\"number\",\"multipleOf\":3}", "multipleOf", "#")]
    [InlineData("{\"anyOf\":[{\"type\":\"object\",\"patternProperties\":{}}]}", "patternProperties", "#/anyOf/0")]
    public void OutsideTheSubset_IsRefusedByKeywordAndPlace_OrRelaxedAndNoted(string schema, string keyword, string path)
    {
        var e = Assert.Throws<NotSupportedException>(() => NoiseModel.Schema(schema));
        Assert.Contains($"'{keyword}", e.Message);
        Assert.Contains($"at {path},", e.Message);
        Assert.Contains(NoiseModel.Schema(schema, strict: false).Relaxed, note => note.StartsWith($"'{keyword}", StringComparison.Ordinal)
            && note.EndsWith($"at {path}", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{\"type\":\"strin\"}")]
    [InlineData("{\"type\":\"string\",\"minLength\":-1}")]
    [InlineData("{\"type\":\"object\",\"properties\":[]}")]
    [InlineData("{\"$ref\":\"#/nowhere\"}")]
    [InlineData("{\"enum\":[]}")]
    [InlineData("false")]
    [InlineData("{\"$ref\":\"#\"}")]
    [InlineData("{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}")]
    [InlineData("{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}")]
    [InlineData("7")]
    [InlineData("{\"allOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}")]
    [InlineData("{\"type\":\"object\",\"properties\":{\"a\":{\"allOf\":[{\"type\":[\"integer\",\"null\"]},{\"type\":\"string\"}]}},\"required\":[\"a\"]}")]
    public void Impossible_OrBrokenSchemas_AreArgumentErrors(string schema) =>
        Assert.Throws<ArgumentException>(() => NoiseModel.Schema(schema));

    [Fact]
    public void Recursion_ThroughItself_Works()
    {
        const string Tree = "{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"null\"},\"c\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}},\"required\":[\"v\"]}";
        var deep = string.Concat(Enumerable.Repeat("{\"v\": null, \"c\": [", 200)) + string.Concat(Enumerable.Repeat("]}", 200));
        Assert.True(Accepts(Tree, deep));
        Assert.False(Accepts(Tree, deep + "}"));
        Assert.True(Accepts("{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]}", "null"));
    }

    [Fact]
    public void AVocabularyThatCannotSpellTheGrammar_IsATypedError()
    {
        var stops = Enumerable.Range(0, NoiseModel.ByteLevel.Tokenizer.VocabularySize)
            .Where(i => NoiseModel.ByteLevel.Tokenizer.TokenBytes(i) is { } b && b.Contains((byte)'7')).ToHashSet();
        var cache = new ConstraintCache(NoiseModel.ByteLevel.Tokenizer, stops);
        Assert.Throws<ConstraintException>(() => cache.Create(NoiseModel.Schema("{\"const\":7}")));
        Assert.NotNull(cache.Create(NoiseModel.Schema("{\"enum\":[7,8]}")));
    }

    [Fact]
    public void Cache_KeepsTheLatest_AndStatesSurviveClearing()
    {
        var cache = new ConstraintCache(NoiseModel.ByteLevel.Tokenizer, NoiseModel.ByteLevel.StopIds, capacity: 2);
        for (var i = 0; i < 4; i++) cache.Create(NoiseModel.Schema($"{{\"const\":{i}}}"));
        Assert.Equal(2, cache.Count);

        // Far more states than are kept: one for each length.
        var grammar = NoiseModel.Schema("{\"type\":\"string\",\"minLength\":6000,\"maxLength\":6000}");
        var answer = NoiseModel.ByteLevel.Answer(grammar, 3, 100000);
        Assert.Equal(GenerationFinishReason.Stop, answer.FinishReason);
        Assert.Equal(6000, JsonDocument.Parse(answer.Text).RootElement.GetString()!.EnumerateRunes().Count());
    }
}
