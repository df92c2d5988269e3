using System.Text;
using D2Pruner.AI.Runtime.Generation.Constraints;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Generation;

/// <summary>One answer in progress: chooses an id from logits, decodes it, looks for stops. Knows nothing of
/// models; for one thread at a time.</summary>
internal sealed class Answer
{
    private readonly ResolvedGeneration _settings;
    private readonly TokenConstraint? _constraint;
    private readonly Action<string> _onText;
    private readonly int _limit;
    private readonly Penalties _penalties;
    private readonly Sampler _sampler;
    private readonly IIncrementalDecoder _decoder;
    private readonly StopMatcher _stops;
    private readonly List<int> _ids = [];
    private readonly StringBuilder _text = new();

    /// <summary>Begins an answer.</summary>
    /// <param name="settings">Settings in force.</param>
    /// <param name="promptIds">The unpruned prompt.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="room">Tokens that still fit the context, at least 1.</param>
    /// <param name="onText">Gets final, non-empty pieces of text.</param>
    /// <param name="constraint">What the answer must follow; null for any text. It ends an answer to which nothing can be added; one that
    /// the limit or a stop text cuts ends by length.</param>
    public Answer(ResolvedGeneration settings, IEnumerable<int> promptIds, ITokenizer tokenizer, int room, Action<string> onText,
        TokenConstraint? constraint = null)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(tokenizer);
        (_settings, _constraint, _onText) = (settings, constraint, onText);
        _limit = Math.Min(settings.MaxNewTokens, room);
        _penalties = new Penalties(settings, promptIds);
        _sampler = new Sampler(settings);
        _decoder = tokenizer.CreateDecoder();
        _stops = new StopMatcher(settings.StopSequences);
    }

    /// <summary>Generated ids, a final stop id included.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>The id to feed next.</summary>
    public int LastId => _ids[^1];

    /// <summary>The text so far.</summary>
    public string Text => _text.ToString();

    /// <summary>Why it ended; null while it goes on.</summary>
    public GenerationFinishReason? FinishReason { get; private set; }

    /// <summary>Takes the next logits.</summary>
    /// <param name="logits">[vocabulary] fp32; penalties and masks change them in place.</param>
    /// <returns>True when the logits after <see cref="LastId"/> are wanted; false when the answer has ended.</returns>
    /// <exception cref="InvalidOperationException">It has ended before.</exception>
    public bool Accept(float[] logits)
    {
        if (FinishReason is not null) throw new InvalidOperationException("The answer has ended.");
        _penalties.Apply(logits);
        _constraint?.Mask(logits, _limit - _ids.Count);
        var id = _sampler.Next(logits);
        _ids.Add(id);
        _penalties.Accept(id);
        if (_settings.StopIds.Contains(id)) return End(GenerationFinishReason.Stop);
        _constraint?.Accept(id);
        Emit(_stops.Push(_decoder.Push(id)));
        if (_stops.Stopped || _constraint is { IsComplete: true }) return End(GenerationFinishReason.Stop);
        return _ids.Count < _limit || End(GenerationFinishReason.Length);
    }

    private bool End(GenerationFinishReason reason)
    {
        Emit(_stops.Push(_decoder.Flush()));
        if (_stops.Stopped) reason = GenerationFinishReason.Stop;
        // Half an answer is no success: a stop text inside it, or an end that the model did not choose.
        if (_constraint is not null && (_constraint.WasClosed || !_constraint.IsAccepting)) reason = GenerationFinishReason.Length;
        Emit(_stops.Flush());
        FinishReason = reason;
        return false;
    }

    private void Emit(string piece)
    {
        if (piece.Length == 0) return;
        _text.Append(piece);
        _onText(piece);
    }
}
