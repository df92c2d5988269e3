using D2Pruner.AI.Tests.Calibration;
using D2Pruner.AI.Tests.Cli;
using D2Pruner.AI.Tests.DemoModel;
using D2Pruner.AI.Tests.Faults;
using D2Pruner.AI.Tests.Hub;
using D2Pruner.AI.Tests.Mcp;
using D2Pruner.AI.Tests.Measuring;
using D2Pruner.AI.Tests.Quantized;
using D2Pruner.AI.Tests.Samples;
using D2Pruner.AI.Tests.Server;

namespace D2Pruner.AI.Tests.Docs;

/// <summary>What runs the commands that documents show, and why the rest is not run. A command without an entry fails its test.</summary>
internal static class DocumentedCommands
{
    private const string Consumer = "tests/Packages/consumer.sh";

    /// <summary>Sub-commands of the tool, and the test class that runs each.</summary>
    public static readonly Dictionary<string, Type> Tool = new()
    {
        ["ask"] = typeof(AskCommandTests),
        ["chat"] = typeof(ChatCommandTests),
        ["doctor"] = typeof(DoctorCommandTests),
        ["models"] = typeof(WithoutLibtorchTests),
        ["methods"] = typeof(WithoutLibtorchTests),
        ["pull"] = typeof(DownloadIfMissingTests),
        ["list"] = typeof(DownloadIfMissingTests),
        ["verify"] = typeof(DownloadIfMissingTests),
        ["rm"] = typeof(DownloadIfMissingTests),
        ["serve"] = typeof(ServerProgramTests),
        ["inspect"] = typeof(InspectCommandTests),
        ["calibrate"] = typeof(CalibrationTests),
        ["overlay"] = typeof(MannersTests),
        ["completions"] = typeof(CompletionScriptTests),
        ["mcp"] = typeof(StdioMcpTests),
        ["evaluate"] = typeof(EvaluateCommandTests),
        ["tune"] = typeof(EvaluateCommandTests),
        ["quantize"] = typeof(QuantizeCommandTests),
    };

    /// <summary>Programs that <c>dotnet run --project</c> starts, with the test class that runs each or a part of it.</summary>
    public static readonly Dictionary<string, Type> Programs = new()
    {
        ["samples/ChatApp"] = typeof(SampleTests),
        ["samples/VisionAgent"] = typeof(SampleTests),
        ["samples/AgentFramework"] = typeof(SampleTests),
        ["samples/McpServer"] = typeof(SampleTests),
        ["samples/Grounding"] = typeof(SampleTests),
        ["samples/WebApp"] = typeof(WebAppTests),
        ["samples/Server"] = typeof(ServerProgramTests),
        ["samples/DemoModel"] = typeof(DemoCommandTests),
        ["tests/Benchmarks"] = typeof(BenchmarkTests),
        ["tests/Fuzz"] = typeof(FuzzPieceTests),
    };

    /// <summary>Beginnings of commands that scripts run, with the script and what stands there.</summary>
    public static readonly (string Command, string Script, string Text)[] Scripts =
    [
        ("dotnet run -c Release --project samples/Quickstart", ".ci/run", "samples/Quickstart"),
        ("dotnet test", ".ci/run", "dotnet test D2Pruner.AI.sln"),
        ("bash .ci/run", ".ci/run", "dotnet test"),
        ("dotnet new console", Consumer, "commands.sh"),
        ("cd MyApp", Consumer, "cd MyApp"),
        ("dotnet add package", Consumer, "commands.sh"),
        ("dotnet run -c Release -- MODEL PICTURE", Consumer, "dotnet run -c Release -- \"$model\" \"$picture\""),
        ("dotnet publish", Consumer, "dotnet publish -c Release"),
        ("dotnet tool install", Consumer, "dotnet tool install D2Pruner.AI.Cli"),
        ("dotnet new install", Consumer, "dotnet new install"),
        ("dotnet new d2pruner-chat", Consumer, "dotnet new d2pruner-chat"),
        ("dotnet new d2pruner-api", Consumer, "dotnet new d2pruner-api"),
        ("packaging/pack.sh", Consumer, "packaging/pack.sh"),
        ("docs/build.sh", Consumer, "docs/build.sh"),
    ];

    /// <summary>Beginnings of commands that nothing runs, with the reason.</summary>
    public static readonly (string Command, string Reason)[] NotRun =
    [
        ("source", "loads what the next command prints: CompletionScriptTests"),
        ("Out-String", "PowerShell's part of loading completions: CompletionScriptTests"),
        ("Invoke-Expression", "PowerShell's part of loading completions: CompletionScriptTests"),
        ("curl", "a client of a server that a reader started; CurlTests, WebAppTests and consumer.sh send the same requests"),
        ("podman", "tests have no container runtime"),
        ("dotnet build", "any test run builds"),
        ("dotnet run", "in a project that a reader made from a template; consumer.sh runs both"),
        ("dotnet run -c Release --project samples/Cluster", "runs until it is stopped; tests/Orleans starts the same workers and clients"),
        ("dotnet run -c Release --project tests/Soak", "hours of requests; docs/reliability.md has the figures"),
        ("dotnet run --project tests/Soak", "hours of requests; docs/reliability.md has the figures"),
        ("dotnet run -c Release --project tests/ConformanceDump", "compared outside of this repository; conformance tests run its parts"),
        ("cd tests/Peers", "fetches another program and a model"),
        ("npm", "fetches another program"),
        ("node", "runs another program"),
        ("dotnet tool restore", "part of docs/build.sh"),
    ];
}
