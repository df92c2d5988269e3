using System.Text;
using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation.Constraints;
using D2Pruner.AI.Runtime.Text;
using Xunit;

namespace D2Pruner.AI.Tests.Constraints;

/// <summary>The models' own vocabularies; skipped where they are not at hand.</summary>
[Collection("constraints")]
[Trait("Category", "Conformance")]
public sealed class RealVocabularyTests
{
    private static NoiseModel Model(string name, int stop)
    {
        var path = FixtureFolders.Find(FixtureKind.Tokenizers).Select(f => Path.Combine(f, name, "tokenizer.json"))
            .FirstOrDefault(File.Exists);
        Skip.If(path is null, "The vocabularies are not here.");
        return new NoiseModel(TokenizerLoader.FromTokenizerJson(path!), stop);
    }

    [SkippableTheory]
    [InlineData("qwen2.5", 151645)]
    [InlineData("llama-legacy", 2)]
    public void Noise_FollowsEverySchema(string name, int stop)
    {
        var model = Model(name, stop);
        for (var seed = 0; seed < 25; seed++)
        {
            var schema = new SchemaGenerator(seed).Next();
            var answer = model.Answer(NoiseModel.Schema(schema), seed, 150, greedy: true);
            JsonDocument.Parse(answer.Text).Dispose();
            Assert.True(new ReferenceMatcher(schema).Check(Encoding.UTF8.GetBytes(answer.Text)).Whole,
                $"{schema.GetRawText()}\n{answer.Text}");
        }
    }

    /// <summary>Masks that come from the cache allow what the first answer took, and forbid something;
    /// their times are in docs/log.md.</summary>
    [SkippableFact]
    public void Mask_OfAFullVocabulary_AllowsTheAnswerAgain()
    {
        var model = Model("qwen2.5", 151645);
        var grammar = Grammar.Create(new AnswerShape { Json = true, Schema = JsonDocument.Parse("{\"type\":\"array\",\"minItems\":6,\"items\":{\"type\":\"object\",\"properties\":{\"label\":{\"type\":\"string\"},\"bbox_2d\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":4,\"maxItems\":4}},\"required\":[\"label\",\"bbox_2d\"]}}").RootElement })!;
        var ids = model.Answer(grammar, 1, 120, greedy: true).Ids;
        var constraint = model.Cache.Create(grammar);
        Assert.True(ids.Count > 20);
        foreach (var id in ids)
        {
            var logits = new float[model.Tokenizer.VocabularySize];
            constraint.Mask(logits, 1000);
            Assert.Equal(0, logits[id]);
            Assert.Contains(float.NegativeInfinity, logits);
            constraint.Accept(id);
        }
    }
}
