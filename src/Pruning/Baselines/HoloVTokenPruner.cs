namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// HoloV in a served model: the published rule over projected features at the decoder's input and CLS attention, but what a full crop
/// cannot use goes to other crops, so that exactly n tokens are kept, in order. The published function is <see cref="HoloV"/>.
/// </summary>
internal sealed class HoloVTokenPruner : IVisualTokenPruner
{
    private static readonly PrunerParameter Crops = PrunerParameter.Whole("crops", 16, 1, 1024, "Crops of consecutive tokens.");
    private readonly int _crops;

    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings.</param>
    /// <exception cref="ArgumentException">K is negative, or a parameter is out of range.</exception>
    public HoloVTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        settings = PrunerRegistry.Complete(settings, Description);
        _crops = settings.Parameters.Whole(Crops);
        Schedule = [PruningStage.Single(settings, ClsAndCosines.Signals)];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "holov",
        Summary = "Crops of consecutive tokens share the budget by CLS attention and variance of similarity; the highest CLS attention " +
        "inside. Repaired: no zero rows. Only for towers with a CLS token.",
        Kind = PrunerKind.Rival,
        Source = "obananas/HoloV",
        Depth = PrunerDepth.AtInput,
        Parameters = [Crops],
        Create = (settings, _) => new HoloVTokenPruner(settings),
    };

    /// <inheritdoc/>
    public string Name => Description.Name;

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A signal is missing.</exception>
    public TokenReduction Reduce(PruningContext context) =>
        ClsAndCosines.Reduce(context, (attention, cosine, n) => HoloV.SelectRepaired(attention, cosine, n, _crops));
}
