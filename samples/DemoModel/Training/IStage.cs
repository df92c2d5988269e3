using D2Pruner.AI.DemoModel.World;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>What a worker does in one step of a stage.</summary>
internal interface IStage
{
    /// <summary>Modules that learn in this stage.</summary>
    IReadOnlyCollection<string> Modules { get; }

    /// <summary>Draws a batch, runs forward and backward, leaves the gradients in the replica.</summary>
    void Step(Replica replica, Rng rng, StepStatistics statistics);
}
