namespace D2Pruner.AI.Benchmarks;

/// <summary>A decoder's sizes for measuring the decode step.</summary>
/// <param name="Name">Short name in figures.</param>
/// <param name="Hidden">D.</param>
/// <param name="Intermediate">Width of the MLP.</param>
/// <param name="Heads">Query and KV heads.</param>
/// <param name="HeadDim">Channels of a head.</param>
/// <param name="Layers">Layers that a step runs.</param>
/// <param name="Distinct">Layers with weights and caches of their own; the step goes round them. Far more than the caches hold, so
/// every byte is read from memory.</param>
internal sealed record DecodeGeometry(string Name, int Hidden, int Intermediate, int Heads, int HeadDim, int Layers, int Distinct)
{
    public const int Vocabulary = 32000;

    public static DecodeGeometry Mini { get; } = new("mini", 1024, 2816, 16, 64, 16, 16);

    public static DecodeGeometry SevenB { get; } = new("7b", 4096, 11008, 32, 128, 32, 4);
}
