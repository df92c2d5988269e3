using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Engine;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace D2Pruner.AI.Tests.Engine;

/// <summary>More sequences than the kernels take rows at once.</summary>
[Collection(TorchCollection.Name)]
public sealed class WideBatchTests
{
    private const int Count = 18;

    [Theory]
    [InlineData(ModelPrecision.BFloat16)]
    [InlineData(ModelPrecision.Float32)]
    public void AStepThatFailsInItsSecondGroup_LeavesTheFirstAsItWas(ModelPrecision precision)
    {
        using var executor = (ModelExecutor)ModelExecutor.Load(
            new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu", Precision = precision, PrefixCacheBytes = 0 },
            null, NullLoggerFactory.Instance, default);
        var sequences = Enumerable.Range(0, Count).Select(_ => Started(executor)).ToArray();
        var (lengths, positions) = (Lengths(sequences), Positions(sequences));

        sequences[^1].Cache!.Dispose(); // what cannot be computed comes last
        Assert.ThrowsAny<Exception>(() => executor.Decode(sequences));

        Assert.Equal(lengths[..^1], Lengths(sequences)[..^1]);
        Assert.Equal(positions, Positions(sequences));
        executor.Decode(sequences[..^1]);
        Assert.Equal(lengths[..^1].Select(l => l + 1), Lengths(sequences)[..^1]);
        foreach (var s in sequences[..^1]) s.Dispose();
    }

    private static Sequence Started(ModelExecutor executor)
    {
        var request = new VisionRequest
        {
            Turns = [new ChatTurn("user", [new TextPart("What is red?")])],
            Generation = new GenerationSettings { MaxNewTokens = 4, IgnoreModelDefaults = true },
        };
        var sequence = new Sequence(executor.Prepare(request, default), default, default);
        executor.Prefill(sequence, () => { }, []);
        Assert.True(sequence.Accept());
        return sequence;
    }

    private static int[] Lengths(Sequence[] sequences) => [.. sequences.Select(s => s.Cache!.Lengths[0])];

    private static long[] Positions(Sequence[] sequences) => [.. sequences.Select(s => s.NextPosition)];
}
