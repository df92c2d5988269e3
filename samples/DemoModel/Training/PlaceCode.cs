using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>
/// A training-only read-out of where something is. Hidden states must hold the sides of a box as sines and cosines, under a fixed random
/// projection: without it boxes stay at chance, because nothing rewards the layers for carrying places before the last one can write
/// numbers (docs/log.md). It has no weights and leaves nothing in the model.
/// </summary>
internal static class PlaceCode
{
    private const int Sides = 4;

    // Of the picture's side: a quarter is about the size of an object.
    private static readonly double[] Periods = [2, 0.9, 0.46, 0.24];
    private static readonly float[] Matrix = Projection();

    private static int Length => Sides * 2 * Periods.Length;

    /// <summary>How far hidden states [n, width] are from the code of sides (0..1, four a row), mean of squares.</summary>
    public static Tensor Loss(Tensor hidden, IReadOnlyList<float> sides)
    {
        using var scope = NewDisposeScope();
        using Scalar two = 2;
        var n = sides.Count / Sides;
        var target = new float[n * Length];
        for (var i = 0; i < sides.Count; i++)
        {
            for (var k = 0; k < Periods.Length; k++)
                (target[(i * Periods.Length + k) * 2], target[(i * Periods.Length + k) * 2 + 1]) =
                    ((float, float))Math.SinCos(2 * Math.PI * sides[i] / Periods[k]);
        }

        var x = hidden.to(ScalarType.Float32);
        x = x / x.pow(two).mean([1], keepdim: true).Plus(1e-5).sqrt();
        var code = matmul(x, tensor(Matrix, [ModelFolder.Width, Length]));
        return (code - tensor(target, [n, Length])).pow(two).mean().MoveToOuterDisposeScope();
    }

    private static float[] Projection()
    {
        var rng = new Rng(77);
        return [.. Enumerable.Range(0, ModelFolder.Width * Sides * 2 * Periods.Length)
            .Select(_ => (float)(rng.Gaussian() / Math.Sqrt(ModelFolder.Width)))];
    }
}
