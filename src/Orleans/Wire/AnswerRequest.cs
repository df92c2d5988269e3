using Orleans;
using Orleans.Concurrency;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>A request as it travels.</summary>
/// <param name="Json">All of it but the images' bytes (<see cref="RequestForm"/>).</param>
/// <param name="Images">Its images' hashes, each once.</param>
/// <param name="Bytes">Bytes of those images that the worker has said it lacks, others null; empty at first.</param>
/// <param name="Hops">Workers that have handed it on.</param>
[GenerateSerializer, Immutable, Alias("d2pruner.request")]
internal sealed record AnswerRequest(
    [property: Id(0)] string Json, [property: Id(1)] string[] Images, [property: Id(2)] byte[]?[] Bytes, [property: Id(3)] int Hops);
