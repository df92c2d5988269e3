using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>Trains the tower on dense labels per patch: shape, colour, digit, size, centre, box sides, and a 7x7 foreground mask.</summary>
/// <param name="grid">Patches per side of the windows; 24 for whole scenes.</param>
/// <param name="batch">Windows per worker and step.</param>
/// <param name="scenes">What scenes hold.</param>
/// <param name="absoluteWeight">Weight of the absolute box sides.</param>
internal sealed class TowerStage(int grid, int batch, SceneOptions scenes, double absoluteWeight) : IStage
{
    private const int Patch = PatchLabels.Patch;

    public IReadOnlyCollection<string> Modules { get; } = ["tower", "dense"];

    public void Step(Replica replica, Rng rng, StepStatistics statistics)
    {
        using var scope = NewDisposeScope();
        var (pixels, positions, labels) = Draw(replica, rng);
        var features = replica.Vision.Clip.Forward(
            pixels, [-1], null, default, static (q, k, v) => Attention.Explicit(q, k, v, null), positions)[0];
        var patches = features.narrow(1, 1, features.shape[1] - 1).reshape(-1, features.shape[2]);
        var y = Norms.Layer(patches, replica[ParameterLayout.DenseNorm + ".weight"], replica[ParameterLayout.DenseNorm + ".bias"], 1e-5);
        var type = BFloat16Products.TypeFor(y);
        var logits = nn.functional.linear(
            y.to(type), replica[ParameterLayout.DenseLinear + ".weight"].to(type), replica[ParameterLayout.DenseLinear + ".bias"].to(type))
            .to(ScalarType.Float32);
        var loss = new DenseLoss(labels, absoluteWeight).Compute(logits, statistics);
        replica.Backward(loss, Modules);
    }

    private (Tensor Pixels, Tensor Positions, PatchLabels[] Labels) Draw(Replica replica, Rng rng)
    {
        var side = grid * Patch;
        var plane = side * side;
        var values = new float[batch * 3 * plane];
        var places = new long[batch * (grid * grid + 1)];
        var labels = new PatchLabels[batch];
        var rgb = new byte[3 * plane];
        for (var b = 0; b < batch; b++)
        {
            var scene = Scene.Sample(rng, scenes);
            var image = SceneImage.Draw(scene);
            var (row, column) = (rng.Int(PatchLabels.GridSide - grid + 1), rng.Int(PatchLabels.GridSide - grid + 1));
            labels[b] = PatchLabels.Of(scene, image, row, column, grid, grid);
            Windows.Crop(image, row, column, grid, rgb);
            PixelNormalizer.Clip.ToPlanes(rgb, values.AsSpan(b * 3 * plane, 3 * plane));
            Windows.Positions(row, column, grid).CopyTo(places, b * (grid * grid + 1));
        }

        return (tensor(values, [batch, 3, side, side], replica.Type), tensor(places, [batch, grid * grid + 1]), labels);
    }
}
