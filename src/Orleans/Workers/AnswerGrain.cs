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
internal sealed class AnswerGrain(Worker worker, OpenAnswers answers) : Grain, IAnswerGrain
{
    public IAsyncEnumerable<AnswerEvent> AnswerAsync(AnswerRequest request, CancellationToken cancellationToken)
    {
        var route = GrainRoute.Parse(this.GetPrimaryKeyString());
        return answers.ReadAsync(request, ending => worker.AnswerAsync(route, request, ending), cancellationToken);
    }

    public Task LeaveAsync(Guid id) => answers.EndAsync(id).AsTask();
}
