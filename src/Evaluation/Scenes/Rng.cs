namespace D2Pruner.AI.Evaluation.Scenes;

/// <summary>xoshiro256** seeded by SplitMix64: the same numbers on every machine and .NET version.</summary>
internal sealed class Rng
{
    private readonly ulong[] _s = new ulong[4];

    public Rng(params ReadOnlySpan<ulong> seed)
    {
        var z = 0x9E3779B97F4A7C15UL;
        foreach (var part in seed) z = Mix(z ^ part) + 0x9E3779B97F4A7C15UL;
        for (var i = 0; i < 4; i++) _s[i] = Mix(z += 0x9E3779B97F4A7C15UL);
    }

    public ulong Next()
    {
        var result = ulong.RotateLeft(_s[1] * 5, 7) * 9;
        var t = _s[1] << 17;
        _s[2] ^= _s[0];
        _s[3] ^= _s[1];
        _s[1] ^= _s[2];
        _s[0] ^= _s[3];
        _s[2] ^= t;
        _s[3] = ulong.RotateLeft(_s[3], 45);
        return result;
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double Double() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [a, b).</summary>
    public double Double(double a, double b) => a + (b - a) * Double();

    /// <summary>Uniform in 0..n-1.</summary>
    public int Int(int n) => (int)(Double() * n);

    /// <summary>Uniform in a..b, both included.</summary>
    public int Int(int a, int b) => a + Int(b - a + 1);

    public bool Chance(double p) => Double() < p;

    public T Pick<T>(IReadOnlyList<T> items) => items[Int(items.Count)];

    /// <summary>Standard normal.</summary>
    public double Gaussian() => Math.Sqrt(-2 * Math.Log(1 - Double())) * Math.Cos(2 * Math.PI * Double());

    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Int(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
