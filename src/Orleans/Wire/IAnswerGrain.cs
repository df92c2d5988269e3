using Orleans;
using Orleans.Concurrency;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>Stands for an image on the worker whose caches hold it, or for one request without images. Its key is a
/// <see cref="GrainRoute"/>.</summary>
[Alias("d2pruner.answers")]
internal interface IAnswerGrain : IGrainWithStringKey
{
    /// <summary>Answers a request, or says the rest of an answer. An answer goes on without a reader for some seconds.</summary>
    [Alias("answer")]
    IAsyncEnumerable<AnswerEvent> AnswerAsync(AnswerRequest request, CancellationToken cancellationToken);

    /// <summary>Ends an answer whose reader wants no more of it.</summary>
    [Alias("leave"), OneWay]
    Task LeaveAsync(Guid id);
}
