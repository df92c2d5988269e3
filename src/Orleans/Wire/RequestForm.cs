using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>A <see cref="VisionRequest"/> without its images' bytes; the worker's own methods take the place of the caller's.</summary>
internal sealed record RequestForm(
    IReadOnlyList<TurnForm> Turns, IReadOnlyList<ChatTool> Tools, GenerationSettings Generation, PruningSettings? Pruning,
    PrefixReuse PrefixReuse, long? MaxImagePixels, bool IncludeScores)
{
    /// <summary>Takes a request apart.</summary>
    /// <param name="request">The request.</param>
    /// <param name="images">Gets its images, by their hashes, in order of appearance.</param>
    public static RequestForm Of(VisionRequest request, IDictionary<string, ReadOnlyMemory<byte>> images) => new(
        [.. request.Turns.Select(t => new TurnForm(t.Role, [.. t.Parts.Select(p => PartForm.Of(p, images))]))], request.Tools,
        request.Generation, request.Pruning, request.PrefixReuse, request.MaxImagePixels, request.IncludeScores);

    /// <summary>Puts it together again.</summary>
    /// <param name="images">The images by their hashes.</param>
    /// <param name="pruners">The methods known here.</param>
    public VisionRequest ToRequest(IReadOnlyDictionary<string, ReadOnlyMemory<byte>> images, PrunerRegistry pruners) => new()
    {
        Turns = [.. Turns.Select(t => new ChatTurn(t.Role, [.. t.Parts.Select(p => p.ToPart(images))]))],
        Tools = Tools,
        Generation = Generation,
        Pruning = Pruning,
        Pruners = pruners,
        PrefixReuse = PrefixReuse,
        MaxImagePixels = MaxImagePixels,
        IncludeScores = IncludeScores,
    };
}
