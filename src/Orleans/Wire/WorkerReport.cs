using Orleans;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>What a worker tells of itself.</summary>
/// <param name="Silo">Its silo.</param>
/// <param name="Draining">It is stopping and takes nothing new.</param>
/// <param name="Models">The models that are loaded and ready.</param>
[GenerateSerializer, Immutable, Alias("d2pruner.worker")]
internal sealed record WorkerReport(
    [property: Id(0)] SiloAddress Silo, [property: Id(1)] bool Draining, [property: Id(2)] ModelReport[] Models);
