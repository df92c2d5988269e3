using Orleans;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>Stands for an image on the worker whose caches hold it, or for one request without images. Its key is a
/// <see cref="GrainRoute"/>.</summary>
[Alias("d2pruner.answers")]
internal interface IAnswerGrain : IGrainWithStringKey
{
    /// <summary>Answers a request.</summary>
    [Alias("answer")]
    IAsyncEnumerable<AnswerEvent> AnswerAsync(AnswerRequest request, CancellationToken cancellationToken);
}
