using System.Globalization;

namespace D2Pruner.AI.Fuzz;

/// <summary>What became of a target's inputs.</summary>
internal sealed class Tally
{
    public long Inputs { get; set; }

    public long Aborts { get; set; }

    public long Untyped { get; set; }

    public long Hangs { get; set; }

    public long LargeAllocations { get; set; }

    public bool IsClean => Aborts + Untyped + Hangs + LargeAllocations == 0;

    public void Add(Tally other)
    {
        Inputs += other.Inputs;
        Aborts += other.Aborts;
        Untyped += other.Untyped;
        Hangs += other.Hangs;
        LargeAllocations += other.LargeAllocations;
    }

    public string Line(string target) => string.Create(
        CultureInfo.InvariantCulture,
            $"target: {target} inputs: {Inputs} aborts: {Aborts} untyped: {Untyped} hangs: {Hangs} large_allocations: {LargeAllocations}");
}
