using System.Runtime.InteropServices;
using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>
/// Folds the mean and deviation of the tower's features into the projector's first layer, and scales its output to the size of word embeddings.
/// Without it the picture's tokens are ten times as large as words and mostly constant, and the decoder hardly learns from them.
/// </summary>
internal static class ProjectorFit
{
    private const int Pictures = 96;
    private const double OutputSize = 0.6;

    public static void Apply(Replica replica, AdamW optimizer, ulong seed)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var features = Features(replica, seed);
        var width = (int)features.shape[1];
        var mean = Host(features.mean([0]));
        var deviation = Host(features.std(0));
        var w1 = Part("linear_1.weight");
        var b1 = Part("linear_1.bias");
        for (var o = 0; o < width; o++)
        {
            double shift = 0;
            for (var i = 0; i < width; i++)
            {
                w1[o * width + i] /= Math.Max(deviation[i], 1e-3f);
                shift += w1[o * width + i] * mean[i];
            }

            b1[o] = (float)-shift;
        }

        replica.Write(optimizer.Master, 0);
        var output = replica.Vision.Project(features.to(replica.Type)).to(ScalarType.Float32);
        var centre = Host(output.mean([0]));
        var size = (output - output.mean([0])).pow(2).mean().sqrt().item<float>();
        var w2 = Part("linear_2.weight");
        var b2 = Part("linear_2.bias");
        foreach (ref var w in w2) w *= (float)(OutputSize / size);
        for (var o = 0; o < width; o++) b2[o] = (float)(-centre[o] * OutputSize / size);
        optimizer.Master.CopyTo(optimizer.Average, 0);

        Span<float> Part(string name)
        {
            var slot = replica.Layout.Slots.Single(s => s.Name.EndsWith("projector." + name, StringComparison.Ordinal));
            return optimizer.Master.AsSpan(slot.Offset, slot.Count);
        }
    }

    private static Tensor Features(Replica replica, ulong seed)
    {
        var rows = new List<Tensor>();
        var pixels = new float[3 * Scene.Side * Scene.Side];
        for (var i = 0; i < Pictures; i++)
        {
            using var inner = NewDisposeScope();
            var scene = Scene.Create(Split.Train, seed, (ulong)i, new SceneOptions(3, 9));
            PixelNormalizer.Clip.ToPlanes(SceneImage.Draw(scene).Pixels, pixels);
            var x = tensor(pixels, [1, 3, Scene.Side, Scene.Side], replica.Type);
            var y = replica.Vision.Clip.Forward(x, [-1], null, default, static (q, k, v) => Attention.Explicit(q, k, v, null))[0];
            rows.Add(y[0].narrow(0, 1, y.shape[1] - 1).to(ScalarType.Float32).MoveToOuterDisposeScope());
        }

        return cat(rows, 0);
    }

    private static float[] Host(Tensor t) => MemoryMarshal.Cast<byte, float>(t.contiguous().bytes).ToArray();
}
