using System.Numerics.Tensors;

namespace D2Pruner.AI.Runtime.Generation;

/// <summary>Chooses the next id: the best one, or by temperature, top-k and top-p in that order (transformers' warpers).</summary>
internal sealed class Sampler
{
    private readonly ResolvedGeneration _settings;
    private int[] _order = [];
    private float[] _keys = [];
    private double[] _weights = [];
    private ulong _state;

    /// <summary>Creates the sampler of one request; its random numbers depend on the seed alone.</summary>
    public Sampler(ResolvedGeneration settings) => (_settings, _state) = (settings, (ulong)settings.Seed);

    /// <summary>Chooses from logits; of equal ones the lower id.</summary>
    /// <exception cref="NotFiniteNumberException">One is not a number.</exception>
    public int Next(ReadOnlySpan<float> logits)
    {
        if (_settings.Greedy)
        {
            var best = TensorPrimitives.IndexOfMax(logits); // the first NaN, where there is one
            ThrowIfNaN(logits[best]);
            return best;
        }

        // Kept from token to token: a vocabulary's worth of garbage each would keep the collector busy.
        if (_order.Length < logits.Length)
            (_order, _keys, _weights) = (new int[logits.Length], new float[logits.Length], new double[logits.Length]);
        var (order, keys, weights) = (_order, _keys, _weights);
        var possible = 0;
        // What a constraint has ruled out is no candidate, not even by rounding.
        for (var i = 0; i < logits.Length; i++)
        {
            if (!float.IsNegativeInfinity(logits[i])) (order[possible], keys[possible++]) = (i, -logits[i]);
        }

        if (possible == 0) return 0;
        Array.Sort(keys, order, 0, possible); // NaN first
        ThrowIfNaN(keys[0]);
        var n = _settings.TopK > 0 ? Math.Min(_settings.TopK, possible) : possible;
        double sum = 0;
        for (var i = 0; i < n; i++) sum += weights[i] = Math.Exp((keys[0] - keys[i]) / _settings.Temperature);
        if (_settings.TopP < 1)
        {
            double mass = 0;
            var kept = 0;
            while (kept < n && mass < _settings.TopP * sum) mass += weights[kept++];
            (n, sum) = (Math.Max(1, kept), mass);
        }

        var draw = NextDouble() * sum;
        for (var i = 0; i < n - 1; i++)
        {
            draw -= weights[i];
            if (draw < 0) return order[i];
        }

        return order[n - 1];
    }

    private static void ThrowIfNaN(float chosen)
    {
        if (float.IsNaN(chosen))
            throw new NotFiniteNumberException(
                "The model's logits are not numbers (overflow in half precision?); load the model in BFloat16 or Float32.");
    }

    // SplitMix64: the same numbers on every platform.
    private double NextDouble()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
    }
}
