using System.Diagnostics;
using System.Threading.Channels;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Generation;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>One answer in progress: what was asked, its cache and position, the answer so far, and the channel to its caller.</summary>
/// <param name="prepared">What was asked.</param>
/// <param name="parent">The caller's span: the engine's thread has none.</param>
/// <param name="caller">The caller's token.</param>
internal sealed class Sequence(PreparedRequest prepared, ActivityContext parent, CancellationToken caller) : IDisposable
{
    private readonly long _queued = Stopwatch.GetTimestamp();
    private long _decoding;
    private volatile bool _left;
    private bool _admitted;

    public PreparedRequest Prepared { get; } = prepared;

    public ActivityContext Parent { get; } = parent;

    public DateTime QueuedAt { get; } = DateTime.UtcNow;

    public CancellationToken Caller { get; } = caller;

    /// <summary>Bytes of keys and values that are set aside for it.</summary>
    public long KvBytes => Prepared.KvBytes;

    public TimeSpan QueueTime { get; private set; }

    /// <summary>False once its caller cancelled or left.</summary>
    public bool IsWanted => !_left && !Caller.IsCancellationRequested;

    /// <summary>Whether its caller has seen anything of the answer.</summary>
    public bool HasEvents { get; private set; }

    public Channel<GenerationEvent> Events { get; } =
        Channel.CreateUnbounded<GenerationEvent>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = false });

    /// <summary>Keys and values; set by the executor, owned by the sequence.</summary>
    public KvCache? Cache { get; set; }

    /// <summary>The next logits, [vocabulary] fp32.</summary>
    public float[] Logits { get; set; } = [];

    /// <summary>Position id of the next token to feed: a counter, never a cache length.</summary>
    public long NextPosition { get; set; }

    /// <summary>Measures the reading of its prompt; set by the executor.</summary>
    public PrefillTimer? Timer { get; set; }

    /// <summary>What happened up to the first token.</summary>
    public PrefillSummary? Summary { get; set; }

    /// <summary>What the prefill left, for the prefix cache.</summary>
    public PrefillOutput? Prefill { get; set; }

    /// <summary>Records what the prefill computes, for tools.</summary>
    public ForwardTrace? Trace { get; init; }

    /// <summary>Whether it may take over what earlier requests computed; tools that trace all of a prompt may not.</summary>
    public bool Reuses { get; init; } = true;

    /// <summary>Called when the prompt has been read, for tools: the logits are still as the model gave them.</summary>
    public Action<Sequence>? Prefilled { get; init; }

    /// <summary>Called after each choice, for tools: the logits are what the last id was chosen from.</summary>
    public Action<Sequence>? Accepted { get; init; }

    public Answer? Answer { get; private set; }

    /// <summary>It leaves the queue: its memory is set aside.</summary>
    public void Admit() => (_admitted, QueueTime) = (true, Stopwatch.GetElapsedTime(_queued));

    /// <summary>Its memory is free again.</summary>
    /// <returns>False where nothing was set aside, or it was given back before.</returns>
    public bool Release()
    {
        var was = _admitted;
        _admitted = false;
        return was;
    }

    /// <summary>Its caller will read no more.</summary>
    public void Leave() => _left = true;

    /// <summary>The prompt has been read: the answer begins.</summary>
    public void Begin(Text.ITokenizer tokenizer)
    {
        Prefilled?.Invoke(this);
        _decoding = Stopwatch.GetTimestamp();
        Answer = new Answer(Prepared.Generation, Prepared.Prompt.TokenIds.Select(i => (int)i), tokenizer, Prepared.Room,
            t => Emit(new TextDelta(t)), Prepared.Constraint);
    }

    /// <summary>Takes the logits, emits what is final, and tells whether further ones are wanted.</summary>
    public bool Accept()
    {
        var more = Answer!.Accept(Logits);
        Accepted?.Invoke(this);
        return more;
    }

    public GenerationResult Result() => new()
    {
        Text = Answer!.Text,
        TokenIds = Answer.Ids,
        FinishReason = Answer.FinishReason ?? GenerationFinishReason.Length,
        Prefill = Summary!,
        DecodeTime = Stopwatch.GetElapsedTime(_decoding),
    };

    public void Emit(GenerationEvent e)
    {
        HasEvents = true;
        Events.Writer.TryWrite(e);
    }

    /// <summary>Its events end; with an exception where it failed.</summary>
    public void End(Exception? e = null) => Events.Writer.TryComplete(e);

    public void Dispose()
    {
        Prefill?.Dispose();
        Cache?.Dispose();
        Prepared.Dispose();
        (Prefill, Cache) = (null, null);
    }
}
