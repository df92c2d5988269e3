using System.Diagnostics;
using System.Text;
using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation.Constraints;
using D2Pruner.AI.Runtime.Text;
using Xunit;

namespace D2Pruner.AI.Tests.Constraints;

/// <summary>Schemas that were made to hurt: each is compiled, or refused with a typed exception; none ends the
/// process, hangs, or takes memory.</summary>
[Collection("constraints")]
public sealed class HostileSchemaTests
{
    private static string Nested(string open, string inside, string close, int times) =>
        string.Concat(Enumerable.Repeat(open, times)) + inside + string.Concat(Enumerable.Repeat(close, times));

    private static JsonElement Deep(string json) =>
        JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = int.MaxValue }).RootElement;

    private static Exception? Compile(JsonElement schema, bool strict = false) =>
        Record.Exception(() => Grammar.Create(new AnswerShape { Json = true, Schema = schema, Strict = strict }));

    /// <summary>The walk over a name's characters was recursive: 15,000 of them ended the process.</summary>
    [Theory]
    [InlineData(15_000)]
    [InlineData(500_000)]
    public void LongPropertyNameBesideOthers_IsCompiledOrRefused(int length)
    {
        var name = new string('a', length);
        var e = Compile(Deep($$$"""{"type":"object","properties":{"{{{name}}}":{"type":"string"}},"additionalProperties":true}"""));
        Assert.True(e is null or NotSupportedException, e?.ToString());
        if (length > 30_000) Assert.Contains("additionalProperties", e!.Message, StringComparison.Ordinal);
        else Assert.Null(e);
    }

    /// <summary>The tree of names means what it meant: another key is any that is none of them.</summary>
    [Fact]
    public void KeysBesideLongNames_AreAllButThose()
    {
        var name = string.Concat(Enumerable.Repeat("abc", 700));
        var grammar = NoiseModel.Schema($$$"""{"type":"object","properties":{"{{{name}}}":{"type":"null"},"{{{name}}}x":{"type":"null"}},"additionalProperties":true}""");
        var automaton = new ByteAutomaton(
            grammar, new TokenVocabulary(NoiseModel.SentencePiece.Tokenizer, NoiseModel.SentencePiece.StopIds));
        bool Accepts(string key, string value) =>
            automaton.Advance(automaton.Start, Encoding.UTF8.GetBytes($$"""{"{{key}}":{{value}}}"""))?.Accepting == true;
        Assert.True(Accepts(name, "null"));
        Assert.False(Accepts(name, "1"));
        Assert.True(Accepts(name[..^1], "1"));
        Assert.True(Accepts(name + "y", "1"));
        Assert.False(Accepts(name + "x", "1"));
        Assert.True(Accepts(name + "é", "1"));
    }

    [Theory]
    [InlineData(70)]
    [InlineData(95)]
    [InlineData(5_000)]
    public void DeepAnyOf_IsCompiledOrRefused(int depth)
    {
        var e = Compile(Deep(Nested("""{"description":"d","minLength":1,"anyOf":[""", """{"type":"string"}""", "]}", depth)));
        if (depth < 100) Assert.Null(e);
        else Assert.Contains("deep", Assert.IsType<NotSupportedException>(e).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"const":""", "1", "}")]
    [InlineData("""{"properties":{"a":""", "true", "}}")]
    [InlineData("""{"items":""", "true", "}")]
    [InlineData("""{"allOf":[""", "true", "]}")]
    [InlineData("""{"default":[""", "true", "]}")]
    public void DeepSchema_IsRefusedByName(string open, string inside, string close)
    {
        var e = Compile(Deep(Nested(open, inside, close, 3_000)));
        Assert.Contains("deep", Assert.IsType<NotSupportedException>(e).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"\ud800":{"type":"string"}}}""")]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("""{"const":"\udc00"}""")]
    [InlineData("""{"enum":["a\ud800b"]}""")]
    [InlineData("""{"type":"\ud800"}""")]
    [InlineData("""{"$ref":"#/\ud800"}""")]
    [InlineData("""{"allOf":[{"title":"\ud800"},{"minLength":1}]}""")]
    public void LoneSurrogate_IsAnArgumentException(string schema)
    {
        Assert.Contains("surrogate", Assert.IsType<ArgumentException>(Compile(Deep(schema))).Message, StringComparison.Ordinal);
        var tool = new AnswerShape { Tools = [new ChatTool("t", null, schema)] };
        Assert.Contains("surrogate", Assert.IsType<ArgumentException>(Record.Exception(() => Grammar.Create(tool))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void InvalidUtf8_IsAnArgumentException()
    {
        using var document = JsonDocument.Parse(new byte[] { (byte)'{', (byte)'"', 0xFF, (byte)'"', (byte)':', (byte)'1', (byte)'}' });
        Assert.Contains("UTF-8", Assert.IsType<ArgumentException>(Compile(document.RootElement)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"a\":")]
    [InlineData("[")]
    [InlineData("nothing")]
    public void DamagedToolParameters_AreAnArgumentExceptionWithTheToolsName(string parameters)
    {
        var e = Record.Exception(() => Grammar.Create(new AnswerShape { Tools = [new ChatTool("locate", null, parameters)] }));
        Assert.Contains("locate", Assert.IsType<ArgumentException>(e).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void UndefinedSchemaAndRepeatedName_AreArgumentExceptions()
    {
        Assert.IsType<ArgumentException>(Compile(default));
        Assert.IsType<ArgumentException>(Compile(Deep("""{"type":"object","type":"string"}""")));
    }

    [Fact]
    public void ChainOfReferences_IsCompiledOrRefused()
    {
        string Chain(int n) => "{\"$ref\":\"#/$defs/d0\",\"$defs\":{"
            + string.Join(",", Enumerable.Range(0, n).Select(i => $"\"d{i}\":{{\"$ref\":\"#/$defs/d{i + 1}\"}}"))
            + $",\"d{n}\":{{\"type\":\"null\"}}}}}}";
        Assert.Null(Compile(Deep(Chain(50))));
        Assert.IsType<NotSupportedException>(Compile(Deep(Chain(5_000))));
    }

    /// <summary>Each took minutes or gigabytes.</summary>
    [Theory]
    [InlineData("references to itself")]
    [InlineData("many alternatives")]
    [InlineData("merged again and again")]
    [InlineData("one property in many parts")]
    [InlineData("long texts")]
    [InlineData("long schema")]
    public void SchemaThatSpellsOutLarge_EndsSoon(string what)
    {
        var schema = what switch
        {
            "references to itself" => """{"type":"null","oneOf":[""" + string.Join(",", Enumerable.Repeat("""{"$ref":"#"}""", 100)) + "]}",
            "many alternatives" => """{"oneOf":[""" + string.Join(",", Enumerable.Range(0, 6000).Select(Alternative)) + "]}",
            "merged again and again" =>
            """{"properties":{""" + string.Join(
                ",", Enumerable.Range(0, 5000).Select(i => $$"""{"p{{i}}":{"$ref":"#/$defs/big","minLength":1}""".TrimStart('{')))
                + """},"$defs":{"big":{"type":"string","examples":["""
                + string.Join(",", Enumerable.Repeat("\"" + new string('x', 1000) + "\"", 300)) + "]}}}",
            "one property in many parts" =>
            """{"allOf":[""" + string.Join(
                ",", Enumerable.Range(0, 400).Select(i => $$$$"""{"properties":{"a":{"minLength":{{{{i}}}}}}}""")) + "]}",
            "long texts" => """{"properties":{"""
            + string.Join(",", Enumerable.Range(0, 1000).Select(i => $$"""{"p{{i}}":{"$ref":"#/$defs/big"}""".TrimStart('{')))
                + """,""" + string.Join(",",
                    Enumerable.Range(0, 1000).Select(i => $$"""{"q{{i}}":{"$ref":"#/$defs/big","type":"string"}""".TrimStart('{')))
                + """},"$defs":{"big":{"const":""" + "\"" + new string('x', 100_000) + "\"}}}",
            _ => """{"title":""" + "\"" + new string('x', 2_000_000) + "\"}",
        };
        static string Alternative(int i) => $$$$"""{"type":"object","required":["a"],"properties":{"a":{"const":{{{{i}}}}}}}""";
        var element = Deep(schema);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var clock = Stopwatch.StartNew();
        var e = Compile(element);
        Assert.True(e is null or NotSupportedException or ArgumentException, e?.ToString());
        var bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(bytes < 2L << 30, $"{what}: {bytes >> 20} MB allocated in {clock.Elapsed.TotalSeconds:0.0} s");
    }
}
