using System.Runtime.CompilerServices;
using D2Pruner.AI.Orleans.Placement;
using D2Pruner.AI.Orleans.Wire;
using Orleans;
using Orleans.Concurrency;
using Orleans.Configuration;
using Orleans.Runtime;

namespace D2Pruner.AI.Orleans.Workers;

/// <summary>An image's place: where its grain is, its questions go. It holds nothing itself.</summary>
[WorkerPlacement]
[Reentrant]
[GrainType("d2pruner.answers")]
internal sealed class AnswerGrain(Worker worker) : Grain, IAnswerGrain
{
    public async IAsyncEnumerable<AnswerEvent> AnswerAsync(
        AnswerRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var number = 0;
        await foreach (var said in worker.AnswerAsync(GrainRoute.Parse(this.GetPrimaryKeyString()), request, cancellationToken))
            yield return said with { Number = number++ };
    }
}
