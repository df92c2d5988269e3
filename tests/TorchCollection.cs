using Xunit;

namespace D2Pruner.AI.Tests;

/// <summary>Everything that touches libtorch runs one after another: tests count live tensors, and two
/// cores gain nothing from more.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class TorchCollection
{
    public const string Name = "torch";
}
