using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using D2Pruner.AI.Runtime.Generation.Constraints;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Constraints;

/// <summary>Schemas as Microsoft.Extensions.AI makes them from .NET types: noise under them always deserializes.</summary>
[Collection("constraints")]
public sealed class DotNetTypesTests
{
    [JsonConverter(typeof(JsonStringEnumConverter<Colour>))]
    private enum Colour
    {
        Red,
        Green,
    }

    private enum Level
    {
        Low,
        High,
    }

    private sealed record Part(string Label, int[] Bbox, double Score, bool? Occluded, Colour Colour, Level Level);

    private sealed record Everything(
        [property: Description("all \"parts\" <of> it")] List<Part> Parts,
        Dictionary<string, int> Counts,
        DateTime Taken,
        DateOnly Day,
        TimeOnly Hour,
        TimeSpan Length,
        Guid Id,
        long Bytes,
        decimal Price,
        string? Note,
        Part? Best,
        object? Extra);

    private sealed record Node(int Value, Node? Next, List<Node> Children);

    [Theory]
    [InlineData(typeof(Everything))]
    [InlineData(typeof(Part))]
    [InlineData(typeof(Node))]
    [InlineData(typeof(Dictionary<string, List<Part?>>))]
    public void Noise_Deserializes(Type type)
    {
        var format = (ChatResponseFormatJson)ChatResponseFormat.ForJsonSchema(type, AIJsonUtilities.DefaultOptions);
        var grammar = Grammar.Create(new AnswerShape { Json = true, Schema = format.Schema })!;
        Assert.True(grammar.Relaxed.Count == 0, string.Join("\n", grammar.Relaxed) + format.Schema);
        for (var seed = 0; seed < 40; seed++)
        {
            foreach (var model in new[] { NoiseModel.SentencePiece, NoiseModel.ByteLevel })
            {
                var answer = model.Answer(grammar, seed, 500);
                Assert.True(JsonSerializer.Deserialize(answer.Text, type, AIJsonUtilities.DefaultOptions) is not null, answer.Text);
            }
        }
    }
}
