using D2Pruner.AI.Runtime.Decoder;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>The use of a cached beginning by one request.</summary>
/// <param name="use">The beginning.</param>
/// <param name="turn">The turn that chose its visual tokens, where they are a choice.</param>
/// <param name="release">Ends the use.</param>
internal sealed class PrefixLease(PrefixUse use, int turn, Action release) : IDisposable
{
    private Action? _release = release;

    public PrefixUse Use { get; } = use;

    public int Turn { get; } = turn;

    public void Dispose()
    {
        _release?.Invoke();
        _release = null;
    }
}

/// <summary>What a request takes over.</summary>
/// <param name="Known">The beginning that is not computed again.</param>
/// <param name="Chosen">Tokens of an earlier question to which this one's are added; null for none.</param>
/// <param name="How">How.</param>
internal sealed record FoundPrefix(PrefixLease Known, PrefixLease? Chosen, PrefixReuse How) : IDisposable
{
    public PrefixUse Use => Known.Use;

    /// <summary>The turn that chose the visual tokens; null where this request's own question does.</summary>
    public int? Turn => How switch { PrefixReuse.Frozen => Known.Turn, PrefixReuse.Grow => Chosen!.Turn, _ => null };

    public void Dispose()
    {
        Known.Dispose();
        Chosen?.Dispose();
    }
}
