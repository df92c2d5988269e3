using D2Pruner.AI.Conformance;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>The one row of a theory whose fixtures are absent: xunit fails a theory without rows, yet a fixtures
/// folder may hold one kind only.</summary>
internal static class NoRows
{
    public const string Label = "(none)";

    public static void SkipIfNone(string folder) => Skip.If(folder == Label,
        $"{Environment.GetEnvironmentVariable(FixtureFolders.Variable) ?? "the repository"} holds no fixtures of this kind");
}
