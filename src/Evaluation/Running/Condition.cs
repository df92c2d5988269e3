using System.Globalization;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>One column of an evaluation: a method at a depth and budget. Unpruned answers are the condition without one.</summary>
/// <param name="Method">Name of the method.</param>
/// <param name="Layer">K: layers 0..K-1 see every token.</param>
/// <param name="Keep">Visual tokens kept of each image.</param>
internal sealed record Condition(string Method, int Layer, int Keep)
{
    /// <summary>Name of the answers without pruning.</summary>
    public const string UnprunedName = "unpruned";

    /// <summary>The answers without pruning.</summary>
    public static Condition Unpruned { get; } = new(UnprunedName, 0, 0);

    /// <summary>Whether nothing is pruned.</summary>
    public bool IsUnpruned => Method == UnprunedName;

    /// <summary><c>fastv@2:64</c>.</summary>
    public string Key => IsUnpruned ? UnprunedName : string.Create(CultureInfo.InvariantCulture, $"{Method}@{Layer}:{Keep}");

    /// <inheritdoc/>
    public override string ToString() => Key;
}
