using TorchSharp;

namespace D2Pruner.AI.Tests.Pruning;

/// <summary>Seeded features.</summary>
internal static class Features
{
    /// <summary>[count, width]: noisy copies of a few centres, so that there are similar and dissimilar pairs.</summary>
    public static torch.Tensor Clustered(int count, int width, int seed)
    {
        var random = new Random(seed);
        var centres = Enumerable.Range(0, 6 * width).Select(_ => random.NextSingle() * 2 - 1).ToArray();
        var values = new float[count * width];
        for (var i = 0; i < count; i++)
        {
            var centre = random.Next(6);
            for (var d = 0; d < width; d++) values[i * width + d] = centres[centre * width + d] + 0.6f * (random.NextSingle() * 2 - 1);
        }
        return torch.tensor(values, [count, width]);
    }
}
