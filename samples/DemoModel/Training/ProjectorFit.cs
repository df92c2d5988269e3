using System.Runtime.InteropServices;
using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>
/// Folds a whitening of the tower's features into the projector's first layer, and scales its output to the size of word embeddings. Without the
/// scale the picture's tokens are ten times as large as words and mostly constant; without the whitening colour drowns shape, whose directions
/// vary little, and the decoder does not find things by their shape.
/// </summary>
internal static class ProjectorFit
{
    private const int Pictures = 96;
    private const double OutputSize = 0.6;

    // Share of the mean variance that is added to every direction's, so that noise is not blown up.
    private const float Floor = 0.03f;

    public static void Apply(Replica replica, AdamW optimizer, ulong seed)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var features = Features(replica, seed);
        var width = (int)features.shape[1];
        var centred = features - features.mean([0]);
        var covariance = matmul(centred.transpose(0, 1), centred) / features.shape[0];
        var (values, vectors) = linalg.eigh(covariance);
        var floor = Floor * values.mean().item<float>();
        var whiten = Host(matmul(vectors * (1 / (values.clamp(min: 0) + floor).sqrt()).unsqueeze(0), vectors.transpose(0, 1)));
        var mean = Host(features.mean([0]));
        var w1 = Part("linear_1.weight");
        var b1 = Part("linear_1.bias");
        var row = new float[width];
        for (var o = 0; o < width; o++)
        {
            var weights = w1.Slice(o * width, width);
            weights.CopyTo(row);
            double shift = 0;
            for (var i = 0; i < width; i++)
            {
                double sum = 0;
                for (var k = 0; k < width; k++) sum += row[k] * whiten[k * width + i];
                weights[i] = (float)sum;
                shift += sum * mean[i];
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
            var image = SceneImage.Draw(scene);
            PixelNormalizer.Clip.ToPlanes(image.Pixels, pixels);
            var x = tensor(pixels, [1, 3, Scene.Side, Scene.Side], replica.Type);
            var y = replica.Vision.Clip.Forward(x, [-1], null, default, static (q, k, v) => Attention.Explicit(q, k, v, null))[0];
            // As many patches of the background as of objects: most of a picture is background.
            var labels = PatchLabels.Of(scene, image, 0, 0, PatchLabels.GridSide, PatchLabels.GridSide);
            long[] objects = [.. Enumerable.Range(0, labels.Shape.Length).Where(p => labels.Shape[p] > 0).Select(p => (long)p)];
            var step = Math.Max(1, (labels.Shape.Length - objects.Length) / Math.Max(1, objects.Length));
            long[] chosen = [.. objects, .. Enumerable.Range(0, labels.Shape.Length).Where(p => labels.Shape[p] == 0 && p % step == 0).Select(p => (long)p)];
            rows.Add(y[0].narrow(0, 1, y.shape[1] - 1).index_select(0, tensor(chosen)).to(ScalarType.Float32).MoveToOuterDisposeScope());
        }

        return cat(rows, 0);
    }

    private static float[] Host(Tensor t) => MemoryMarshal.Cast<byte, float>(t.contiguous().bytes).ToArray();
}
