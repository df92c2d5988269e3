namespace D2Pruner.AI.Pruning;

/// <summary>
/// The part of pruning that no algorithm may get wrong, done once: budgets that keep everything, checks of what the pruner answered,
/// sorting, separators, text and the last token, and lifting an image's choice to rows of the whole prompt.
/// </summary>
public static class PromptReduction
{
    /// <summary>Runs one stage of a pruner over all images of a prompt.</summary>
    /// <param name="pruner">The algorithm.</param>
    /// <param name="stageIndex">Index into its schedule.</param>
    /// <param name="state">What is left of the prompt; <see cref="PromptReductionState.Start"/> before the first stage.</param>
    /// <param name="contextFactory">Gathers the stage's signals for one image (by <see cref="ImageCandidates.Rows"/>) and returns the
    /// context that the pruner sees. Only called for images that have more candidates than their
    /// budget; the tensors are the caller's.</param>
    /// <param name="budgets">n per image (<see cref="BudgetSplit.Split"/> of the images' V), at least 1; n at or
    /// above the candidates keeps them all.</param>
    /// <param name="cancellationToken">Looked at before every image.</param>
    /// <returns>Rows to keep, merge weights, statistics per image, and the next state.</returns>
    /// <exception cref="ArgumentException">The stage does not exist or the budgets do not fit the images.</exception>
    /// <exception cref="InvalidOperationException">The pruner's answer is not valid; the message names the pruner.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static PromptReductionStep Run(IVisualTokenPruner pruner, int stageIndex, PromptReductionState state,
        Func<ImageCandidates, PruningContext> contextFactory, IReadOnlyList<int> budgets, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pruner);
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(contextFactory);
        ArgumentNullException.ThrowIfNull(budgets);
        if (stageIndex < 0 || stageIndex >= pruner.Schedule.Count)
            throw new ArgumentException(
                $"'{pruner.Name}' has {pruner.Schedule.Count} stages; there is no stage {stageIndex}.", nameof(stageIndex));
        if (budgets.Count != state.Layouts.Count || budgets.Any(n => n < 1))
            throw new ArgumentException(
                $"{state.Layouts.Count} images need as many budgets of at least 1; found [{string.Join(", ", budgets)}].", nameof(budgets));

        var lift = new PromptLift(state);
        var images = new ImageReduction[budgets.Count];
        for (var image = 0; image < images.Length; image++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (layout, remaining, rows) = (state.Layouts[image], state.Remaining[image], state.RowsOf(image));
            if (budgets[image] >= rows.Length)
            {
                images[image] = new ImageReduction(
                    image, layout, rows.Length, remaining ?? [.. Enumerable.Range(0, rows.Length)], SelectionStatistics.Empty);
                continue;
            }
            var context = contextFactory(new ImageCandidates(image, layout, stageIndex, budgets[image], remaining, rows));
            CheckContext(context, layout, budgets[image], rows.Length);
            var reduction = ReductionCheck.Sorted(pruner, pruner.Reduce(context), rows.Length, budgets[image]);
            var kept = lift.Image(image, rows, remaining, reduction);
            images[image] = new ImageReduction(image, layout, rows.Length, kept, reduction.Statistics);
        }
        return lift.Finish(images, pruner.Schedule[stageIndex].Reindex);
    }

    private static void CheckContext(PruningContext context, VisualTokenLayout layout, int budget, int candidates)
    {
        if (!ReferenceEquals(context.Layout, layout) || context.Budget != budget || PrunerGuard.Count(context) != candidates)
            throw new ArgumentException(
                "The context factory must pass on the layout, budget and remaining candidates that it was given.", nameof(context));
    }
}
