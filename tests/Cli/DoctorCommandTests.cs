using System.Text.Json;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Cli;

[Collection(TorchCollection.Name)]
public sealed class DoctorCommandTests
{
    [Fact]
    public async Task Json_HasTheDocumentedShape()
    {
        var (code, output, _) = await ConsoleRun.OfAsync(DoctorCommand.Create(), "--quick", "--json");
        Assert.Equal(0, code);
        var json = JsonDocument.Parse(output).RootElement;
        foreach (var key in new[] { "os", "architecture", "dotnet", "processor", "cores", "features", "memory_total_bytes",
            "memory_free_bytes", "glibc", "glibcxx" }) Assert.True(json.GetProperty("machine").TryGetProperty(key, out _), key);
        Assert.True(json.GetProperty("libtorch").GetProperty("usable").GetBoolean());
        Assert.StartsWith("2.10", json.GetProperty("libtorch").GetProperty("version").GetString(), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, json.GetProperty("probe").ValueKind);
        Assert.Equal(KnownModels.All.Select(m => m.Id),
            json.GetProperty("models").EnumerateArray().Select(m => m.GetProperty("id").GetString()));
        Assert.Equal(3, json.GetProperty("next").GetArrayLength());
        Assert.All(json.GetProperty("next").EnumerateArray(), c => Assert.StartsWith("d2pruner ", c.GetString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Text_NamesEveryModel_AndTheNextCommands()
    {
        var (code, output, _) = await ConsoleRun.OfAsync(DoctorCommand.Create(), "--quick");
        Assert.Equal(0, code);
        Assert.All(KnownModels.All, m => Assert.Contains(m.Id, output, StringComparison.Ordinal));
        Assert.Contains("Next:", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Probe_MeasuresBoth()
    {
        var probe = MachineProbe.Run(torchUsable: true, cuda: false, CancellationToken.None);
        Assert.True(probe is { BytesPerSecond: > 1e6, OperationsPerSecond: > 1e6 });
        Assert.True(probe.TokensPerSecond(KnownModels.All[0]) > probe.TokensPerSecond(KnownModels.All[^1]));
        Assert.True(probe.PrefillSeconds(KnownModels.All[0]) > 0);
    }
}
