namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>A set of bytes.</summary>
internal readonly record struct ByteSet(ulong A, ulong B, ulong C, ulong D)
{
    public static ByteSet All { get; } = new(~0UL, ~0UL, ~0UL, ~0UL);

    public bool IsEmpty => (A | B | C | D) == 0;

    public static ByteSet Of(string bytes) => bytes.Aggregate(default(ByteSet), (set, c) => set.With((byte)c));

    public static ByteSet Range(int low, int high)
    {
        var set = default(ByteSet);
        for (var b = low; b <= high; b++) set = set.With((byte)b);
        return set;
    }

    public bool Contains(int b) => ((b >> 6) switch { 0 => A, 1 => B, 2 => C, _ => D } >> (b & 63) & 1) != 0;

    public ByteSet With(byte b)
    {
        var bit = 1UL << (b & 63);
        return (b >> 6) switch { 0 => this with { A = A | bit }, 1 => this with { B = B | bit }, 2 => this with { C = C | bit },
            _ => this with { D = D | bit } };
    }

    public ByteSet And(ByteSet o) => new(A & o.A, B & o.B, C & o.C, D & o.D);

    public ByteSet Or(ByteSet o) => new(A | o.A, B | o.B, C | o.C, D | o.D);

    public ByteSet Except(ByteSet o) => new(A & ~o.A, B & ~o.B, C & ~o.C, D & ~o.D);
}
