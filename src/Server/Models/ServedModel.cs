using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Server;

/// <summary>One registered chat client and its name here.</summary>
/// <param name="id">Name in requests.</param>
/// <param name="aliases">The client's own model id and other names of its model, accepted too where only one client has them; those
/// that say more come first.</param>
/// <param name="client">The client.</param>
/// <param name="source">The registered model that it stands on; null where it brought its own.</param>
internal sealed class ServedModel(string id, IReadOnlyCollection<string> aliases, IChatClient client, LazyModel? source)
{
    public string Id => id;

    public IReadOnlyCollection<string> Aliases => aliases;

    public IChatClient Client => client;

    public long Created { get; } = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    /// <summary>Facts; null before the model is loaded, and for clients of other makers.</summary>
    public VisionModelInfo? Info => client.GetService(typeof(VisionModelInfo)) as VisionModelInfo;

    /// <summary>The engine's state; null for clients of other makers.</summary>
    public EngineStatus? Status => (client.GetService(typeof(IVisionEngine)) as IVisionEngine)?.GetStatus() ?? source?.GetStatus();

    /// <summary>Prompt tokens that the engine looked up in its prefix cache, and found; null where it is not in this process.</summary>
    public (long Queries, long Hits)? PrefixCounts =>
        ((client.GetService(typeof(VisionLanguageEngine)) as VisionLanguageEngine)?.GetStatus() ?? source?.GetStatus()) is { } status
            ? (status.PrefixCacheQueries, status.PrefixCacheHits) : null;

    /// <summary>OpenAI's <c>system_fingerprint</c>: changes with the checkpoint.</summary>
    public string? Fingerprint => Info is { } info ? $"fp_{info.Fingerprint[..Math.Min(12, info.Fingerprint.Length)]}" : null;
}
