using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>Damaged priors.</summary>
internal sealed class PriorTarget : FileTarget
{
    private readonly byte[] _prior = File.ReadAllBytes(Path.Combine(Places.Fixtures, "llava-1.5-a", "priors.safetensors"));

    public override string Name => "priors";

    public override long AllocationLimit => 16L << 20;

    public override byte[] Make(Random random) => ByteMutator.Mutate(random, _prior);

    public override void Run(byte[] input)
    {
        var prior = PriorFile.Load(Write("prior.safetensors", input));
        if (prior.Maps.Values.Any(m => m.Values.Any(v => !float.IsFinite(v) || v < 0)))
            throw new FuzzFailure("A map with a negative or infinite value came through.");
    }
}
