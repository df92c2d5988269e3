using System.Runtime.InteropServices;
using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>
/// First values of the projector, from the finished tower. Some of its outputs repeat what the tower's dense training heads read (shape,
/// colour, digit, size, centre, sides) and where in the picture the sides of the token's object are; the rest mixes the whitened features
/// at random; all of the size of word embeddings. From random weights alone the decoder hardly learns: the picture's tokens are ten times
/// as large as words and mostly constant, and colour and shape hide in a few of 192 directions (docs/log.md).
/// </summary>
internal static class ProjectorFit
{
    private const int Pictures = 192;

    // Share of the mean variance that is added to every direction's, so that noise is not blown up.
    private const double Floor = 0.03;

    // Columns of the dense heads: classes pass the activation one-sided; numbers pass it exactly, as gelu(u) - gelu(-u) = u.
    private static readonly int[] Classes = [.. Enumerable.Range(0, 30), 31];
    private static readonly int[] Numbers = [30, .. Enumerable.Range(32, 4)];

    private const int Sides = 4;
    private const double Ridge = 1e-4;
    private const double DirectSize = 1.0;
    private const double PlaceSize = 2.0;
    private const double MixedSize = 0.5;

    public static void Apply(Replica replica, AdamW optimizer, ulong seed, Action<string> log)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var (features, boxed, sides) = Features(replica, seed);
        var width = (int)features.shape[1];
        var mean = features.mean([0]);
        var places = Places(features.index_select(0, boxed), sides, log);
        // [width, width], zero-mean, unit-variance pre-activations over the sample
        var hidden = Rows(replica, features, mean, places, width, seed);
        var w1 = hidden / matmul(features - mean, hidden.transpose(0, 1)).std(0, unbiased: false).unsqueeze(1).Plus(1e-6);
        Set("linear_1.weight", w1);
        Set("linear_1.bias", matmul(w1, mean).neg());

        // Direct outputs first, then random mixtures of the random units.
        var random = new Rng(seed, 23);
        var w2 = new float[width * width];
        var (numbers, direct) = (Numbers.Length + Sides, Classes.Length + Numbers.Length + Sides);
        for (var i = 0; i < Classes.Length; i++) w2[i * width + i] = 1;
        for (var i = 0; i < numbers; i++)
        {
            var at = Classes.Length + i;
            w2[at * width + Classes.Length + 2 * i] = 1;
            w2[at * width + Classes.Length + 2 * i + 1] = -1;
        }

        var used = Classes.Length + 2 * numbers;
        for (var o = direct; o < width; o++)
        {
            for (var i = used; i < width; i++) w2[o * width + i] = (float)(random.Gaussian() / Math.Sqrt(width - used));
        }

        Set("linear_2.weight", tensor(w2, [width, width]));
        replica.Write(optimizer.Master, 0);
        var output = replica.Vision.Project(features.to(replica.Type)).to(ScalarType.Float32);
        var sizes = cat([HeldScalars.Filled([direct - Sides], DirectSize), HeldScalars.Filled([Sides], PlaceSize),
            HeldScalars.Filled([width - direct], MixedSize)], 0);
        var size = sizes / output.std(0, unbiased: false).Plus(1e-4);
        Set("linear_2.weight", tensor(w2, [width, width]) * size.unsqueeze(1));
        Set("linear_2.bias", (output.mean([0]) * size).neg());
        optimizer.Master.CopyTo(optimizer.Average, 0);

        void Set(string name, Tensor values)
        {
            var slot = replica.Layout.Slots.Single(s => s.Name.EndsWith("projector." + name, StringComparison.Ordinal));
            MemoryMarshal.Cast<byte, float>(values.contiguous().bytes).CopyTo(optimizer.Master.AsSpan(slot.Offset, slot.Count));
        }
    }

    // Rows of the first layer: classes, numbers with both signs, random directions of the whitened features.
    private static Tensor Rows(Replica replica, Tensor features, Tensor mean, Tensor places, int width, ulong seed)
    {
        using var scope = NewDisposeScope();
        // The heads normalise each token; folding that needs one common deviation.
        var deviation = features.std(1, unbiased: false).mean();
        var gamma = replica[ParameterLayout.DenseNorm + ".weight"].to(ScalarType.Float32);
        var heads = replica[ParameterLayout.DenseLinear + ".weight"].to(ScalarType.Float32) * gamma / deviation;
        heads = heads - heads.mean([1], keepdim: true);
        var classes = heads.index_select(0, tensor(Classes.Select(c => (long)c).ToArray()));
        var numbers = cat([heads.index_select(0, tensor(Numbers.Select(c => (long)c).ToArray())), places], 0);
        var signed = stack([numbers, numbers.neg()], 1).reshape(2 * numbers.shape[0], width);
        var centred = features - mean;
        var (values, vectors) = linalg.eigh(matmul(centred.transpose(0, 1), centred).Over(features.shape[0]));
        using Scalar zero = 0;
        var scale = values.clamp_min(zero).Plus(values.mean().Times(Floor)).sqrt().reciprocal();
        var whiten = matmul(vectors * scale.unsqueeze(0), vectors.transpose(0, 1));
        var rng = new Rng(seed, 22);
        var rest = width - Classes.Length - signed.shape[0];
        var mix = tensor(Enumerable.Range(0, (int)rest * width).Select(_ => (float)rng.Gaussian()).ToArray(), [rest, width]);
        return cat([classes, signed, matmul(mix, whiten)], 0).MoveToOuterDisposeScope();
    }

    // Directions along which the features of a token tell the left, top, right and bottom side of its object, [4, width].
    private static Tensor Places(Tensor features, Tensor sides, Action<string> log)
    {
        using var scope = NewDisposeScope();
        var (mean, centre) = (features.mean([0]), sides.mean([0]));
        var x = features - mean;
        var gram = matmul(x.transpose(0, 1), x);
        gram = gram.Plus(eye(gram.shape[0]) * gram.trace().Times(Ridge / gram.shape[0]));
        var slopes = linalg.solve(gram, matmul(x.transpose(0, 1), sides - centre)).transpose(0, 1).contiguous();
        var origin = centre - matmul(slopes, mean);
        var error = (matmul(features, slopes.transpose(0, 1)).Plus(origin) - sides).abs().mean().item<float>() * Scene.Side;
        log($"sides of boxes read from single tokens: {error:0.0} px off on average, {features.shape[0]} tokens");
        return slopes.MoveToOuterDisposeScope();
    }

    // Of whole scenes: in windows the tower does not know where it is.
    private static (Tensor Features, Tensor Boxed, Tensor Sides) Features(Replica replica, ulong seed)
    {
        var (rows, boxed, sides, count) = (new List<Tensor>(), new List<long>(), new List<float>(), 0L);
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
            long[] chosen = [.. objects,
                .. Enumerable.Range(0, labels.Shape.Length).Where(p => labels.Shape[p] == 0 && p % step == 0).Select(p => (long)p)];
            foreach (var p in chosen)
            {
                if (labels.HasBox[p] > 0)
                {
                    boxed.Add(count);
                    for (var k = 0; k < Sides; k++) sides.Add(labels.Absolute[Sides * p + k] / PatchLabels.GridSide);
                }

                count++;
            }

            rows.Add(y[0].narrow(0, 1, y.shape[1] - 1).index_select(0, tensor(chosen)).to(ScalarType.Float32).MoveToOuterDisposeScope());
        }

        return (cat(rows, 0), tensor(boxed.ToArray()), tensor(sides.ToArray(), [boxed.Count, Sides]));
    }
}
