using D2Pruner.AI.DemoModel.World;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>First values of the parameters.</summary>
internal static class Initializer
{
    private const double Gain = 0.8;

    // Periods of the code of a coordinate, in bins: from twice the whole range to a few.
    private static readonly double[] Periods = [200, 130, 90, 64, 46, 33, 24, 18, 13, 10, 8, 6];

    public static float[] Create(ParameterLayout layout, ulong seed, int towerLayers, int decoderLayers, params int[][] coordinates)
    {
        var values = new float[layout.Size];
        foreach (var slot in layout.Slots)
        {
            var rng = new Rng(seed, (ulong)slot.Offset, 11);
            Fill(values.AsSpan(slot.Offset, slot.Count), slot, rng, slot.Module == "tower" ? towerLayers : decoderLayers);
        }

        // Attention of the tower starts local: its keys are its queries plus noise ("mimetic" initialisation).
        foreach (var slot in layout.Slots.Where(s => s.Module == "tower" && s.Name.EndsWith("k_proj.weight", StringComparison.Ordinal)))
        {
            var query = layout.Slots.Single(s => s.Name == slot.Name.Replace("k_proj", "q_proj", StringComparison.Ordinal));
            var k = values.AsSpan(slot.Offset, slot.Count);
            for (var i = 0; i < k.Length; i++) k[i] = 1.4f * values[query.Offset + i] + 0.4f * k[i];
            foreach (ref var q in values.AsSpan(query.Offset, query.Count)) q *= 1.4f;
        }

        foreach (var slot in layout.Slots.Where(
            s => s.Name.EndsWith("embed_tokens.weight", StringComparison.Ordinal)
            || s.Name.EndsWith("lm_head.weight", StringComparison.Ordinal)))
            Coordinates(values.AsSpan(slot.Offset, slot.Count), (int)slot.Shape[1], new Rng(seed, (ulong)slot.Offset, 12), coordinates);
        return values;
    }

    // The numbers of boxes begin as neighbours: a random image of sines and cosines of their value, as large as the rows that they replace.
    // Rows without order must be learnt one by one, each from a hundredth of the coordinates (docs/log.md).
    private static void Coordinates(Span<float> table, int width, Rng rng, int[][] families)
    {
        var image = new double[2 * Periods.Length * width];
        for (var i = 0; i < image.Length; i++) image[i] = rng.Gaussian();
        foreach (var ids in families)
        {
            var mean = Enumerable.Range(0, width).Select(_ => rng.Gaussian()).ToArray();
            for (var n = 0; n < ids.Length; n++)
            {
                var row = table.Slice(ids[n] * width, width);
                var size = 0.0;
                foreach (var v in row) size += v * v;
                var code = (double[])mean.Clone();
                for (var k = 0; k < 2 * Periods.Length; k++)
                {
                    var phase = 2 * Math.PI * n / Periods[k / 2];
                    var wave = k % 2 == 0 ? Math.Sin(phase) : Math.Cos(phase);
                    for (var d = 0; d < width; d++) code[d] += wave * image[k * width + d];
                }

                var scale = Math.Sqrt(size / code.Sum(c => c * c));
                for (var d = 0; d < width; d++) row[d] = (float)(scale * code[d]);
            }
        }
    }

    private static void Fill(Span<float> values, ParameterSlot slot, Rng rng, int layers)
    {
        var name = slot.Name;
        bool Ends(string end) => name.EndsWith(end, StringComparison.Ordinal);
        if (name.Contains("norm", StringComparison.Ordinal))
        {
            values.Fill(Ends("bias") ? 0 : 1);
        }
        else if (Ends("position_embedding.weight"))
        {
            Positions(values, (int)slot.Shape[1]);
        }
        else if (Ends("bias"))
        {
            values.Clear();
        }
        else
        {
            var fan = slot.Shape.Skip(1).Aggregate(1L, (a, b) => a * b);
            var sd = Ends("embed_tokens.weight") || Ends("class_embedding") ? 0.6 : Gain / Math.Sqrt(fan);
            if (Ends("out_proj.weight") || Ends("fc2.weight") || Ends("o_proj.weight") || Ends("down_proj.weight"))
                sd /= Math.Sqrt(2.0 * layers);
            if (Ends("lm_head.weight")) sd *= 0.4;
            foreach (ref var v in values) v = (float)(sd * rng.Gaussian());
        }
    }

    // Row 0 is CLS (zeros); a patch has sines and cosines of its row and column, amplitude 1.
    private static void Positions(Span<float> values, int width)
    {
        values.Clear();
        var side = PatchLabels.GridSide;
        var frequencies = width / 4;
        for (var r = 0; r < side; r++)
        {
            for (var c = 0; c < side; c++)
            {
                var row = values.Slice((1 + r * side + c) * width, width);
                for (var f = 0; f < frequencies; f++)
                {
                    var omega = Math.PI * Math.Pow(64, -(double)f / frequencies);
                    row[4 * f] = (float)Math.Sin(r * omega);
                    row[4 * f + 1] = (float)Math.Cos(r * omega);
                    row[4 * f + 2] = (float)Math.Sin(c * omega);
                    row[4 * f + 3] = (float)Math.Cos(c * omega);
                }
            }
        }
    }
}
