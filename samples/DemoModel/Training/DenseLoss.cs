using System.Runtime.InteropServices;
using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>The tower's losses. Foreground and background are averaged apart: nine patches of ten are background.</summary>
internal sealed class DenseLoss
{
    // Columns of the 89 outputs.
    private const int ShapeAt = 0;
    private const int ColourAt = 10;
    private const int DigitAt = 19;
    private const int BigAt = 30;
    private const int CentreAt = 31;
    private const int SidesAt = 32;
    private const int AbsoluteAt = 36;
    private const int MaskAt = 40;
    private readonly long[] _shape;
    private readonly long[] _colour;
    private readonly long[] _digit;
    private readonly float[] _big;
    private readonly float[] _centre;
    private readonly float[] _sides;
    private readonly float[] _absolute;
    private readonly float[] _hasBox;
    private readonly float[] _mask;
    private readonly float[] _mixed;

    private readonly double _absoluteWeight;

    public DenseLoss(PatchLabels[] labels, double absoluteWeight = 0.015)
    {
        _absoluteWeight = absoluteWeight;
        _shape = [.. labels.SelectMany(l => l.Shape)];
        _colour = [.. labels.SelectMany(l => l.Colour)];
        _digit = [.. labels.SelectMany(l => l.Digit)];
        _big = [.. labels.SelectMany(l => l.Big)];
        _centre = [.. labels.SelectMany(l => l.Centre)];
        _sides = [.. labels.SelectMany(l => l.Sides)];
        _absolute = [.. labels.SelectMany(l => l.Absolute)];
        _hasBox = [.. labels.SelectMany(l => l.HasBox)];
        _mask = [.. labels.SelectMany(l => l.Mask)];
        _mixed = [.. labels.SelectMany(l => l.Mixed)];
    }

    public Tensor Compute(Tensor logits, StepStatistics statistics)
    {
        using var scope = NewDisposeScope();
        var n = _shape.Length;
        var objects = Array.ConvertAll(_colour, c => c > 0 ? 1f : 0f);
        var shape = Classes(logits, ShapeAt, 10, _shape, 2.0, 0.5);
        var colour = Classes(logits, ColourAt, 9, _colour, 1.0, 0.3);
        var digits = _digit.Count(d => d > 0);
        var digit = Classes(logits, DigitAt, 11, _digit, 0.7 * Math.Min(1, digits / 30.0), 0.3);
        var big = (Binary(logits.narrow(1, BigAt, 1), _big, null) * Column(Mean(objects, 0.3))).sum();
        var centre = Binary(logits.narrow(1, CentreAt, 1), _centre, 4).mean();
        var inBox = Column(Mean(_hasBox, 0.25));
        var sides = (Smooth(logits.narrow(1, SidesAt, 4), _sides) * inBox).sum().Times(0.3);
        var absolute = (Smooth(logits.narrow(1, AbsoluteAt, 4), _absolute) * inBox).sum().Times(_absoluteWeight);
        var maskWeight = new float[n];
        var mixed = Math.Max(1, _mixed.Sum());
        for (var i = 0; i < n; i++) maskWeight[i] = (2.0f * _mixed[i] / mixed + 0.4f / n) / 49;
        var mask = (Binary(logits.narrow(1, MaskAt, 49), _mask, null) * Column(maskWeight)).sum();
        Measure(logits, statistics);
        statistics.Add("loss.shape", shape.item<float>());
        statistics.Add("loss.colour", colour.item<float>());
        statistics.Add("loss.digit", digit.item<float>());
        statistics.Add("loss.centre", centre.item<float>());
        statistics.Add("loss.sides", sides.item<float>());
        statistics.Add("loss.mask", mask.item<float>());
        return shape.Plus(colour).Plus(digit).Plus(big).Plus(centre).Plus(sides).Plus(absolute).Plus(mask).MoveToOuterDisposeScope();
    }

    private static float[] Mean(float[] chosen, double weight)
    {
        var scale = (float)(weight / Math.Max(1, chosen.Sum()));
        return Array.ConvertAll(chosen, c => c * scale);
    }

    private static Tensor Column(float[] weights) => tensor(weights, [weights.Length, 1]);

    private static Tensor Classes(Tensor logits, int at, int classes, long[] target, double foreground, double background)
    {
        using var scope = NewDisposeScope();
        var n = target.Count(t => t > 0);
        var (f, b) = ((float)(foreground / Math.Max(1, n)), (float)(background / Math.Max(1, target.Length - n)));
        var weight = Array.ConvertAll(target, t => t > 0 ? f : b);
        return (nn.functional.cross_entropy(logits.narrow(1, at, classes), tensor(target), reduction: nn.Reduction.None) * tensor(weight))
            .sum().MoveToOuterDisposeScope();
    }

    private static Tensor Binary(Tensor logits, float[] target, float? positive)
    {
        var t = tensor(target, logits.shape);
        return nn.functional.binary_cross_entropy_with_logits(
            logits, t, reduction: nn.Reduction.None, pos_weights: positive is { } p ? tensor([p]) : null);
    }

    private static Tensor Smooth(Tensor values, float[] target) =>
        nn.functional.smooth_l1_loss(values, tensor(target, values.shape), nn.Reduction.None, 0.5);

    private void Measure(Tensor logits, StepStatistics statistics)
    {
        using var detached = logits.detach();
        using var host = detached.contiguous();
        var rows = MemoryMarshal.Cast<byte, float>(host.bytes);
        for (var i = 0; i < _shape.Length; i++)
        {
            var row = rows.Slice(i * ParameterLayout.DenseOutputs, ParameterLayout.DenseOutputs);
            if (_shape[i] is > 0 and < 9)
            {
                statistics.Add("patch.shape", Best(row.Slice(ShapeAt, 10)) == _shape[i] ? 1 : 0);
                statistics.Add("patch.colour", Best(row.Slice(ColourAt, 9)) == _colour[i] ? 1 : 0);
            }

            if (_digit[i] > 0) statistics.Add("patch.digit", Best(row.Slice(DigitAt, 11)) == _digit[i] ? 1 : 0);
            if (_centre[i] == 0 || _hasBox[i] == 0) continue;
            statistics.Add("centre.shape", Best(row.Slice(ShapeAt, 10)) == _shape[i] ? 1 : 0);
            var t = _sides.AsSpan(4 * i, 4);
            var p = row.Slice(SidesAt, 4);
            double error = 0;
            for (var k = 0; k < 4; k++) error += Math.Abs(p[k] - t[k]) * PatchLabels.Patch / 4;
            statistics.Add("centre.side_px", error);
            double absolute = 0;
            for (var k = 0; k < 4; k++) absolute += Math.Abs(row[AbsoluteAt + k] - _absolute[4 * i + k]) * PatchLabels.Patch / 4;
            statistics.Add("centre.absolute_px", absolute);
            var inner = Math.Max(0, Math.Min(p[0], t[0]) + Math.Min(p[2], t[2])) * Math.Max(0, Math.Min(p[1], t[1]) + Math.Min(p[3], t[3]));
            var outer = Math.Max(0, p[0] + p[2]) * Math.Max(0, p[1] + p[3]) + (t[0] + t[2]) * (t[1] + t[3]) - inner;
            statistics.Add("centre.iou50", inner / outer >= 0.5 ? 1 : 0);
        }
    }

    private static int Best(ReadOnlySpan<float> row) => System.Numerics.Tensors.TensorPrimitives.IndexOfMax(row);
}
