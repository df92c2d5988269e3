using Orleans;
using Orleans.Concurrency;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>A request as it travels.</summary>
/// <param name="Json">All of it but the images' bytes (<see cref="RequestForm"/>).</param>
/// <param name="Images">Its images' hashes, each once.</param>
/// <param name="Bytes">Bytes of those images that the worker has said it lacks, others null; empty at first.</param>
/// <param name="Hops">Workers that have handed it on.</param>
/// <param name="Id">Names the answer for a reader who comes back.</param>
/// <param name="From">The first word that the reader lacks; 0 for a new answer, else only <paramref name="Id"/> counts.</param>
[GenerateSerializer, Immutable, Alias("d2pruner.request")]
internal sealed record AnswerRequest(
    [property: Id(0)] string Json, [property: Id(1)] string[] Images, [property: Id(2)] byte[]?[] Bytes, [property: Id(3)] int Hops,
    [property: Id(4)] Guid Id = default, [property: Id(5)] int From = 0);
