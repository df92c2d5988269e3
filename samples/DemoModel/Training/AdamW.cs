using System.Numerics;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>AdamW over the flat fp32 master vector, with an exponential average of it.</summary>
internal sealed class AdamW(ParameterLayout layout, float[] master)
{
    private const float Beta1 = 0.9f;
    private const float Beta2 = 0.98f;
    private const float Epsilon = 1e-8f;
    private const float WeightDecay = 0.05f;

    public float[] Master { get; } = master;

    public float[] First { get; } = new float[layout.Size];

    public float[] Second { get; } = new float[layout.Size];

    public float[] Average { get; } = (float[])master.Clone();

    /// <summary>Updates the part of one slot that lies in [from, to).</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="gradient">The averaged gradient, scaled by <paramref name="scale"/>.</param>
    /// <param name="scale">Clipping factor.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="step">Updates since this module's moments began, 1-based.</param>
    /// <param name="decay">Decay of the exponential average.</param>
    public void Update(ParameterSlot slot, int from, int to, float[] gradient, float scale, double rate, long step, float decay)
    {
        var (start, end) = (Math.Max(slot.Offset, from), Math.Min(slot.Offset + slot.Count, to));
        if (start >= end) return;
        var lr = (float)(rate * Math.Sqrt(1 - Math.Pow(Beta2, step)) / (1 - Math.Pow(Beta1, step)));
        var shrink = slot.Decays ? 1 - (float)rate * WeightDecay : 1;
        var n = Vector<float>.Count;
        var i = start;
        for (; i + n <= end; i += n)
        {
            var g = new Vector<float>(gradient, i) * scale;
            var m = new Vector<float>(First, i) * Beta1 + g * (1 - Beta1);
            var v = new Vector<float>(Second, i) * Beta2 + g * g * (1 - Beta2);
            var p = new Vector<float>(Master, i) * shrink - m * lr / (Vector.SquareRoot(v) + new Vector<float>(Epsilon));
            m.CopyTo(First, i);
            v.CopyTo(Second, i);
            p.CopyTo(Master, i);
            var a = new Vector<float>(Average, i);
            (a + (p - a) * (1 - decay)).CopyTo(Average, i);
        }

        for (; i < end; i++)
        {
            var g = gradient[i] * scale;
            First[i] = First[i] * Beta1 + g * (1 - Beta1);
            Second[i] = Second[i] * Beta2 + g * g * (1 - Beta2);
            Master[i] = Master[i] * shrink - First[i] * lr / (MathF.Sqrt(Second[i]) + Epsilon);
            Average[i] += (Master[i] - Average[i]) * (1 - decay);
        }
    }
}
