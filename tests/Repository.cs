using D2Pruner.AI.Conformance;

namespace D2Pruner.AI.Tests;

/// <summary>Where this repository lies.</summary>
internal static class Repository
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(FixtureFolders.Copies!, "..", "..", ".."));

    /// <summary>The shipped demo model's folder.</summary>
    public static string DemoModel { get; } = Path.Combine(Root, "samples", "DemoModel", "demo-llava");
}
