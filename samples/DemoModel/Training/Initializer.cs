using D2Pruner.AI.DemoModel.World;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>First values of the parameters.</summary>
internal static class Initializer
{
    private const double Gain = 0.8;

    public static float[] Create(ParameterLayout layout, ulong seed, int towerLayers, int decoderLayers)
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

        return values;
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
            if (Ends("out_proj.weight") || Ends("fc2.weight") || Ends("o_proj.weight") || Ends("down_proj.weight")) sd /= Math.Sqrt(2.0 * layers);
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
