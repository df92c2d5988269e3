namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// VisPruner in a served model: important tokens by CLS attention, the rest de-duplicated by similarity in rounds. Similarity is that of
/// projected features at the decoder's input (published: before the projector), and an odd residual is no error. The
/// published function is <see cref="VisPruner"/>.
/// </summary>
internal sealed class VisPrunerTokenPruner : IVisualTokenPruner
{
    private static readonly PrunerParameter ImportantRatio =
        PrunerParameter.Number("important_ratio", 0.5, 0, 1, "Share of the budget for tokens of the highest CLS attention.");
    private readonly double _importantRatio;

    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings.</param>
    /// <exception cref="ArgumentException">K is negative, or a parameter is out of range.</exception>
    public VisPrunerTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        settings = PrunerRegistry.Complete(settings, Description);
        _importantRatio = settings.Parameters.Number(ImportantRatio);
        Schedule = [PruningStage.Single(settings, ClsAndCosines.Signals)];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "vispruner",
        Summary = "Important tokens by CLS attention, the rest de-duplicated in rounds by similarity of projected features (published: " +
        "before the projector). Only for towers with a CLS token.",
        Kind = PrunerKind.Rival,
        Source = "Theia-4869/VisPruner",
        Depth = PrunerDepth.AtInput,
        Parameters = [ImportantRatio],
        Create = (settings, _) => new VisPrunerTokenPruner(settings),
    };

    /// <inheritdoc/>
    public string Name => Description.Name;

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A signal is missing.</exception>
    public TokenReduction Reduce(PruningContext context) =>
        ClsAndCosines.Reduce(context, (attention, cosine, n) => VisPruner.Select(attention, cosine, n, _importantRatio));
}
