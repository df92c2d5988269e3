using System.Text;
using D2Pruner.AI.Runtime.Generation.Constraints;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Generation;

/// <summary>The token loop: chooses an id, decodes it, looks for stops, asks for the next logits. Knows nothing of models.</summary>
public static class TokenLoop
{
    /// <summary>What a loop produced.</summary>
    /// <param name="Ids">Generated ids, a final stop id included.</param>
    /// <param name="Text">The text.</param>
    /// <param name="FinishReason">Why it ended.</param>
    public sealed record Outcome(IReadOnlyList<int> Ids, string Text, GenerationFinishReason FinishReason);

    /// <summary>Runs the loop.</summary>
    /// <param name="logits">Logits after the prompt; later ones are written into the same buffer.</param>
    /// <param name="step">Feeds an id and refreshes <paramref name="logits"/>; never called after the last id.</param>
    /// <param name="promptIds">The unpruned prompt.</param>
    /// <param name="settings">Settings in force.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="room">Tokens that still fit the context.</param>
    /// <param name="onText">Gets final, non-empty pieces of text.</param>
    /// <param name="cancellationToken">Observed at every token.</param>
    /// <param name="constraint">What the answer must follow; null for any text. It ends an answer to which nothing can be added; one that the limit or a stop text cuts ends by length.</param>
    public static Outcome Run(
        float[] logits,
        Action<int> step,
        IEnumerable<int> promptIds,
        ResolvedGeneration settings,
        ITokenizer tokenizer,
        int room,
        Action<string> onText,
        CancellationToken cancellationToken,
        TokenConstraint? constraint = null)
    {
        var limit = Math.Min(settings.MaxNewTokens, room);
        var penalties = new Penalties(settings, promptIds);
        var sampler = new Sampler(settings);
        var decoder = tokenizer.CreateDecoder();
        var stops = new StopMatcher(settings.StopSequences);
        var ids = new List<int>();
        var text = new StringBuilder();
        var reason = GenerationFinishReason.Length;
        while (ids.Count < limit)
        {
            cancellationToken.ThrowIfCancellationRequested();
            penalties.Apply(logits);
            constraint?.Mask(logits, limit - ids.Count);
            var id = sampler.Next(logits);
            ids.Add(id);
            penalties.Accept(id);
            if (settings.StopIds.Contains(id))
            {
                reason = GenerationFinishReason.Stop;
                break;
            }

            constraint?.Accept(id);
            Emit(stops.Push(decoder.Push(id)));
            if (stops.Stopped || constraint is { IsComplete: true })
            {
                reason = GenerationFinishReason.Stop;
                break;
            }

            if (ids.Count < limit) step(id);
        }

        Emit(stops.Push(decoder.Flush()));
        if (stops.Stopped) reason = GenerationFinishReason.Stop;
        // Half an answer is no success: a stop text inside it, or an end that the model did not choose.
        if (constraint is not null && (constraint.WasClosed || !constraint.IsAccepting)) reason = GenerationFinishReason.Length;
        Emit(stops.Flush());
        return new Outcome(ids, text.ToString(), reason);

        void Emit(string piece)
        {
            if (piece.Length == 0) return;
            text.Append(piece);
            onText(piece);
        }
    }
}
