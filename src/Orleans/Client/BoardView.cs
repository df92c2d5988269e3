using D2Pruner.AI.Orleans.Wire;
using Orleans.Runtime;

namespace D2Pruner.AI.Orleans.Client;

/// <summary>What the workers have told.</summary>
/// <param name="Reports">The last report of each worker that is a member of the cluster.</param>
/// <param name="Members">Silos that the cluster's own failure detection holds for alive.</param>
/// <param name="Mark">How far the board has been read.</param>
internal sealed record BoardView(WorkerReport[] Reports, SiloAddress[] Members, BoardMark Mark)
{
    // As many as a worker tells of.
    private const int MaxImages = 512;

    /// <summary>Nothing is known yet.</summary>
    public static BoardView Empty { get; } = new([], [], default);

    /// <summary>The workers that serve a model and take requests.</summary>
    /// <param name="model">Its name.</param>
    /// <param name="fingerprint">Its version; null for any.</param>
    public IEnumerable<(WorkerReport Worker, ModelReport Model)> Serving(string model, string? fingerprint = null) =>
        from report in Reports
        where !report.Draining
        from served in report.Models
        where served.Name == model && (fingerprint is null || served.Fingerprint == fingerprint)
        select (report, served);

    /// <summary>The versions of a model that are served.</summary>
    public List<string> Versions(string model) => [.. Serving(model).Select(w => w.Model.Fingerprint).Distinct()];

    /// <summary>Takes in what has changed; what is older than this, or continues another board, changes nothing. A board that has moved
    /// is told everything anew: members that it has not heard of yet are known as they were.</summary>
    public BoardView With(BoardChanges changes)
    {
        if (!changes.Whole && (changes.Now.Board != Mark.Board || changes.Now.Version <= Mark.Version)) return this;
        var known = Reports.ToDictionary(r => r.Silo);
        foreach (var report in changes.Reports) known[report.Silo] = Join(known.GetValueOrDefault(report.Silo), report);
        if (changes.Members is { } members) foreach (var gone in known.Keys.Except(members).ToList()) known.Remove(gone);
        return new BoardView([.. known.Values], changes.Members ?? Members, changes.Now);
    }

    private static WorkerReport Join(WorkerReport? known, WorkerReport news) => news with
    {
        Models = [.. news.Models.Select(m => m.Info.Length > 0 || Find(known, m) is not { } old ? m
            : m with { Info = old.Info, Images = [.. m.Images.Union(old.Images).Take(MaxImages)] })],
    };

    private static ModelReport? Find(WorkerReport? known, ModelReport model) =>
        Array.Find(known?.Models ?? [], k => (k.Name, k.Fingerprint) == (model.Name, model.Fingerprint));
}
