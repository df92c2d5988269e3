using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation.Constraints;
using NJsonSchema;
using NJsonSchema.Validation;
using Xunit;

namespace D2Pruner.AI.Tests.Constraints;

[Collection("constraints")]
public sealed class ConstraintTests
{
    private static NoiseModel Model(string name) => name == "sentencepiece" ? NoiseModel.SentencePiece : NoiseModel.ByteLevel;

    /// <summary>200 schemas, noise for a model: every answer that ends by itself parses and is valid, by our matcher and
    /// by a library that is not ours.</summary>
    [Theory]
    [InlineData("sentencepiece")]
    [InlineData("byte-level")]
    public async Task Noise_IsValidJson_ForEverySchema(string vocabulary)
    {
        var finished = 0;
        for (var seed = 0; seed < 200; seed++)
        {
            var schema = new SchemaGenerator(seed, plain: true).Next();
            var answer = Model(vocabulary).Answer(NoiseModel.Schema(schema), seed, 3000, greedy: seed % 3 == 0);
            if (answer.FinishReason == GenerationFinishReason.Stop) finished++;
            using var parsed = JsonDocument.Parse(answer.Text);
            var text = answer.Text;
            Assert.True(new ReferenceMatcher(schema, document: true).Check(System.Text.Encoding.UTF8.GetBytes(text)).Whole, text);
            var library = await JsonSchema.FromJsonAsync(schema.GetRawText());
            var errors = library.Validate(OneUnitACharacter(text), new JsonSchemaValidatorSettings());
            Assert.True(errors.Count == 0, $"seed {seed}: {schema.GetRawText()}\n{text}\n{string.Join("\n", errors)}");
        }

        Assert.True(finished >= 195, $"{finished} of 200 finished");
    }

    // JSON schema counts code points, that library UTF-16 units: characters of two units are replaced for it by characters of one.
    internal static string OneUnitACharacter(string json)
    {
        json = string.Concat(json.EnumerateRunes().Select(r => r.Value > 0xFFFF ? "x" : r.ToString()));
        return System.Text.RegularExpressions.Regex.Replace(json, @"(?<!\\)((?:\\\\)*)\\u[dD][89abAB]..\\u[dD][c-fC-F]..", "$1x");
    }

    /// <summary>The whole subset (references, constants, open objects), by our own matcher.</summary>
    [Theory]
    [InlineData("sentencepiece")]
    [InlineData("byte-level")]
    public void Noise_FollowsTheGrammar_OfTheWholeSubset(string vocabulary)
    {
        for (var seed = 1000; seed < 1100; seed++)
        {
            var schema = new SchemaGenerator(seed).Next();
            var answer = Model(vocabulary).Answer(NoiseModel.Schema(schema), seed, 400);
            JsonDocument.Parse(answer.Text).Dispose();
            Assert.True(new ReferenceMatcher(schema).Check(System.Text.Encoding.UTF8.GetBytes(answer.Text)).Whole,
                $"seed {seed}: {schema.GetRawText()}\n{answer.Text}");
        }
    }

    /// <summary>The mask of every state on the way against the definition: a token is allowed where all its bytes fit.</summary>
    [Theory]
    [InlineData("sentencepiece")]
    [InlineData("byte-level")]
    public void Mask_IsExactlyTheTokensWhoseBytesFit(string vocabulary)
    {
        var model = Model(vocabulary);
        var words = new TokenVocabulary(model.Tokenizer, model.StopIds);
        Grammar[] grammars =
        [
            .. Enumerable.Range(0, 25).Select(i => NoiseModel.Schema(new SchemaGenerator(i).Next())),
            Grammar.Create(new AnswerShape { Json = true })!,
            Grammar.Create(new AnswerShape { Tools = [
                new ChatTool("f", null, "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"maxLength\":3}}}")] })!,
        ];
        var random = new Random(5);
        foreach (var grammar in grammars)
        {
            var automaton = new ByteAutomaton(grammar, words);
            var state = automaton.Start;
            for (var step = 0; step < 40; step++)
            {
                var mask = TokenMasks.Of(automaton, state);
                var allowed = new List<int>();
                for (var id = 0; id < words.Size; id++)
                {
                    var after = words.Bytes(id) is { } bytes ? automaton.Advance(state, bytes) : null;
                    var expected = model.StopIds.Contains(id) ? state.Accepting : words.Bytes(id) is null ? state.Free : after is not null;
                    Assert.True(expected == ((mask[id >> 6] >> (id & 63) & 1) != 0), $"{model.Tokenizer.IdToToken(id)}");
                    if (after is not null)
                    {
                        allowed.Add(id);
                        Assert.True(after.Cost <= state.LargestNextCost);
                    }
                }

                if (allowed.Count == 0) break;
                state = automaton.Advance(state, words.Bytes(allowed[random.Next(allowed.Count)])!)!;
            }
        }
    }

    /// <summary>Every budget from enough to far too little: what ends too early says so, and what could be closed parses.</summary>
    [Fact]
    public void Length_IsNeverSuccess_AndAnAnswerIsClosedWhileThatIsPossible()
    {
        var grammar = NoiseModel.Schema("{\"type\":\"object\",\"properties\":{\"label\":{\"type\":\"string\"},\"boxes\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}},\"required\":[\"label\",\"boxes\"]}");
        var cost = new ByteAutomaton(grammar, new TokenVocabulary(NoiseModel.ByteLevel.Tokenizer, NoiseModel.ByteLevel.StopIds)).Start.Cost;
        Assert.InRange(cost, 5, 25);
        for (var budget = 1; budget < 60; budget++)
        {
            // A model that never closes a string.
            var answer = NoiseModel.ByteLevel.Answer(grammar, budget, budget, greedy: true, logits => logits[1] = -100);
            Assert.True(answer.Ids.Count <= budget);
            Assert.Equal(GenerationFinishReason.Length, answer.FinishReason);
            if (budget >= cost) JsonDocument.Parse(answer.Text).Dispose();
            else Assert.ThrowsAny<JsonException>(() => JsonDocument.Parse(answer.Text));
        }
    }

    [Fact]
    public void EndOfAnswer_IsAllowedExactlyWhereTheGrammarAccepts()
    {
        // A model that wants to stop at once, again and again.
        var grammar = NoiseModel.Schema("{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},\"minItems\":2}");
        var answer = NoiseModel.SentencePiece.Answer(grammar, 1, 200, greedy: true, logits => logits[2] = 1000);
        Assert.Equal(2, JsonDocument.Parse(answer.Text).RootElement.GetArrayLength() is >= 2 ? 2 : 0);
        // Nothing can follow the closing bracket: no further step is spent on a stop id.
        Assert.DoesNotContain(2, answer.Ids);
        Assert.Equal(GenerationFinishReason.Stop, answer.FinishReason);

        var open = NoiseModel.SentencePiece.Answer(
            NoiseModel.Schema("{\"type\":\"integer\",\"minimum\":1}"), 1, 200, greedy: true, logits => logits[2] = 1000);
        Assert.Equal(2, open.Ids[^1]);
        Assert.InRange(JsonDocument.Parse(open.Text).RootElement.GetInt32(), 1, int.MaxValue);
    }

    [Fact]
    public void JsonMode_IsAnObjectOrAnArray_WhateverTheModel()
    {
        var grammar = Grammar.Create(new AnswerShape { Json = true })!;
        foreach (var model in new[] { NoiseModel.SentencePiece, NoiseModel.ByteLevel })
        {
            for (var seed = 0; seed < 40; seed++)
            {
                var answer = model.Answer(grammar, seed, 300);
                using var parsed = JsonDocument.Parse(answer.Text);
                Assert.True(parsed.RootElement.ValueKind is JsonValueKind.Object or JsonValueKind.Array);
            }
        }
    }

    [Fact]
    public void Tools_Required_Specific_Forbidden_AndOptional()
    {
        ChatTool[] tools = [new("locate", null,
            "{\"type\":\"object\",\"properties\":{\"what\":{\"type\":\"string\",\"maxLength\":6}},\"required\":[\"what\"]}"),
            new("now", null, "{}")];
        Grammar Shape(ToolCallRule rule, bool several, params ChatTool[] some) =>
            Grammar.Create(new AnswerShape { Tools = some, ToolCalls = rule, SeveralCalls = several, Strict = true })!;
        for (var seed = 0; seed < 30; seed++)
        {
            foreach (var model in new[] { NoiseModel.SentencePiece, NoiseModel.ByteLevel })
            {
                var one = model.Answer(Shape(ToolCallRule.Required, false, tools[0]), seed, 300).Text;
                Assert.StartsWith("<tool_call>\n{\"name\": \"locate\", \"arguments\": {", one);
                Assert.EndsWith("}\n</tool_call>", one);
                JsonDocument.Parse(one["<tool_call>".Length..^"</tool_call>".Length]).Dispose();
                Assert.StartsWith("<tool_call>\n{\"name\": \"", model.Answer(Shape(ToolCallRule.Required, true, tools), seed, 300).Text);
            }

            // A model that longs to call: the mark is one token of this vocabulary.
            static void Longing(float[] logits) => logits[454] = 50;
            Assert.DoesNotContain("<tool_call>",
                NoiseModel.ByteLevel.Answer(Shape(ToolCallRule.Forbidden, true, tools), seed, 60, greedy: true, Longing).Text);
            Assert.StartsWith("<tool_call>\n{\"name\": \"now\"",
                NoiseModel.ByteLevel.Answer(Shape(ToolCallRule.Optional, true, tools[1]), seed, 60, greedy: true, Longing).Text);
        }
    }
}
