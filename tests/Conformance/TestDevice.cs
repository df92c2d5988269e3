namespace D2Pruner.AI.Tests.Conformance;

/// <summary>Where the conformance tests compute: <c>D2PRUNER_TEST_DEVICE</c> (cpu, cuda, cuda:N), CPU by default.</summary>
internal static class TestDevice
{
    public const string Variable = "D2PRUNER_TEST_DEVICE";

    public static string Name => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } name ? name : "cpu";

    public static bool IsCpu => Name == "cpu";
}
