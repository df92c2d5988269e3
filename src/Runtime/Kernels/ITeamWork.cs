namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Work that all members of a <see cref="WorkerTeam"/> do together, each its share.</summary>
internal interface ITeamWork
{
    /// <summary>Does a member's share. It must not throw: the others would wait for it at the next barrier.</summary>
    /// <param name="member">0 (the caller) to <see cref="WorkerTeam.Count"/> - 1.</param>
    void Run(int member);
}
