using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Generation.Constraints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Prompts;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>
/// Makes a request ready on the caller's side: images decoded and resized, the prompt tokenized, constraint and budgets settled. What takes
/// no memory is checked before a place in the queue is taken: impossible settings and images that are broken by their headers fail at
/// once, whatever the queue holds. No tensor is touched. Safe for concurrent use.
/// </summary>
internal sealed class Preparer(VisionLanguageModel model, VisionFeatureCache features, long maxKvBytes)
{
    private readonly ConstraintCache _constraints = new(model.Tokenizer, model.Generation.StopIds);

    /// <summary>Checks settings that need no image.</summary>
    public void Validate(VisionRequest request)
    {
        model.Generation.Merge(request.Generation);
        if (request.Pruning is { } pruning) request.Pruners.Plan(pruning, model.Info.DecoderLayers);
    }

    /// <summary>Checks images by their headers, one by one and together.</summary>
    public static void CheckImages(VisionRequest request) =>
        ImageDecoder.CheckAll([.. request.Turns.SelectMany(t => t.Parts).OfType<ImagePart>().Select(p => p.Bytes)], Limits(request));

    public PreparedRequest Prepare(VisionRequest request, CancellationToken cancellationToken)
    {
        model.ThrowIfChanged();
        ImagePart[] parts = [.. request.Turns.SelectMany(t => t.Parts).OfType<ImagePart>()];
        var plan = request.Pruning is { } p && parts.Length > 0 ? request.Pruners.Plan(p, model.Info.DecoderLayers) : null;
        var images = Images(parts, request, plan?.Needs(PruningSignals.VisionClsAttention) == true, cancellationToken);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            var prompt = model.PromptEncoder.Encode(request.Turns, [.. images.Select(i => i.Plan)], request.Tools);
            ThrowIfUnknown(prompt);
            var room = Room(prompt);
            var choice = plan is null ? null
                : new PruningChoice(plan, [.. plan.Pruner.Schedule.Select(s => Budget(s.Budget, prompt, parts))], Prior(plan));
            var generation = model.Generation.Merge(request.Generation);
            return new PreparedRequest
            {
                Request = request,
                Prompt = prompt,
                Generation = generation,
                Room = room,
                Images = images,
                Constraint = request.Generation.Grammar is { } grammar ? _constraints.Create((Grammar)grammar) : null,
                Pruning = choice,
                KvBytes = KvBytes(
                    prompt, choice, Math.Min(generation.MaxNewTokens, room), request.PrefixReuse == PrefixReuse.Grow),
            };
        }
        catch
        {
            foreach (var image in images) image.Dispose();
            throw;
        }
    }

    private static ImageLimits? Limits(VisionRequest request) =>
        request.MaxImagePixels is { } pixels ? new ImageLimits(pixels) : null;

    private List<PreparedImage> Images(ImagePart[] parts, VisionRequest request, bool clsAttention, CancellationToken cancellationToken)
    {
        var limits = Limits(request);
        var images = new List<PreparedImage>(parts.Length);
        try
        {
            foreach (var part in parts)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var key = features.Key(part.Bytes.Span);
                images.Add(images.Find(i => i.Key == key) ?? Prepare(key, part, limits, clsAttention, cancellationToken));
            }

            return images;
        }
        catch
        {
            foreach (var image in images) image.Dispose();
            throw;
        }
    }

    private PreparedImage Prepare(
        string key, ImagePart part, ImageLimits? limits, bool clsAttention, CancellationToken cancellationToken) =>
        features.Find(key, clsAttention, (limits ?? ImageLimits.Default).MaxPixels) is { } lease
            ? PreparedImage.Known(key, lease)
            : PreparedImage.Fresh(key, model.ImageProcessor.Process(
                ImageDecoder.Decode(part.Bytes, limits, cancellationToken), cancellationToken));

    // On a GPU an id without an embedding would end every answer in the process.
    private void ThrowIfUnknown(EncodedPrompt prompt)
    {
        var size = model.Decoder.Config.VocabularySize;
        var at = Array.FindIndex(prompt.TokenIds, id => id < 0 || id >= size);
        if (at < 0) return;
        throw new PromptException(
            $"The tokenizer gives the id {prompt.TokenIds[at]}, but the model's vocabulary has {size} entries: the tokenizer's files do " +
                "not fit the model.",
            VisionErrorKind.Unsupported);
    }

    private int Room(EncodedPrompt prompt)
    {
        var room = model.Info.ContextLength - prompt.Length;
        if (room >= 1) return room;
        var visual = prompt.Images.Sum(i => i.TokenCount);
        throw new PromptException(
            $"The prompt has {prompt.Length} tokens ({visual} of them visual), but the context holds {model.Info.ContextLength}. Send " +
                "fewer or smaller images, or less text.",
            VisionErrorKind.TooLarge);
    }

    // The named prior, or the one beside the model; what is being learned is asked for on the engine's thread.
    private PositionalBiasPrior? Prior(PruningPlan plan) => plan.PriorSource(model.Prior?.Layers ?? []) switch
    {
        PriorSource.Model => model.Prior,
        PriorSource.Named => model.Priors.Find(plan.Settings.Prior, plan.Settings.LayersBeforePruning),
        _ => null,
    };

    private static int[] Budget(TokenBudget budget, EncodedPrompt prompt, ImagePart[] parts)
    {
        var own = parts.Select(i =>
            i.KeepAll ? TokenBudget.OfRatio(1) : i.KeepRatio is { } r ? TokenBudget.OfRatio(r) : i.KeepTokens is { } t
                ? TokenBudget.OfTokens(t) : (TokenBudget?)null);
        return BudgetSplit.Split(budget, [.. prompt.Layouts.Select(l => l.Count)], [.. own]);
    }

    // The largest of what stands at the prune points and at the answer's end (specification of the engine, section 3).
    private long KvBytes(EncodedPrompt prompt, PruningChoice? pruning, int answer, bool grows)
    {
        // A grown answer holds an earlier question's tokens beside its own; that question had the same budgets. Only one stage grows.
        long questions = grows && pruning?.Budgets.Count == 1 ? 2 : 1;
        long layers = model.Info.DecoderLayers, perLayer = model.Info.KvBytesPerToken / layers, n = prompt.Length;
        // Tokens: left of the prompt, largest over all layers at a prune point, layers so far, held by these where nothing is evicted.
        var (kept, peak, depth, early) = (n, 0L, 0L, 0L);
        for (var s = 0; pruning is not null && s < pruning.Budgets.Count; s++)
        {
            var (next, budgets) = (pruning.LayersBefore(s), pruning.Budgets[s]);
            peak = Math.Max(peak, next * kept);
            early += (next - depth) * kept;
            depth = next;
            kept = Math.Min(kept, n - prompt.Layouts.Select((l, i) => Math.Max(0, l.Count - questions * budgets[i])).Sum());
        }

        var end = pruning is { Settings.EvictEarlyKv: false } ? early + (layers - depth) * kept : layers * kept;
        var bytes = perLayer * Math.Max(peak, end + layers * answer);
        return bytes <= maxKvBytes
            ? bytes
            : throw new RequestTooLargeException(
                $"The request's keys and values take up to {bytes:N0} bytes ({n} prompt tokens, {kept} after pruning, up to " +
                    $"{answer} more), but MaxKvBytes is {maxKvBytes:N0}. "
                + "Send less, lower the token limit, keep fewer visual tokens, or raise MaxKvBytes.");
    }
}
