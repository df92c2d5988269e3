using Orleans;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>What the workers have told.</summary>
/// <param name="Reports">The last report of each worker that is a member of the cluster.</param>
/// <param name="Members">Silos that the cluster's own failure detection holds for alive.</param>
[GenerateSerializer, Immutable, Alias("d2pruner.view")]
internal sealed record BoardView([property: Id(0)] WorkerReport[] Reports, [property: Id(1)] SiloAddress[] Members)
{
    /// <summary>Nothing is known yet.</summary>
    public static BoardView Empty { get; } = new([], []);

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
}
