using System.Text.Json;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Hub;
using Xunit;

namespace D2Pruner.AI.Tests.Hub;

/// <summary>From an id to an answer: options and commands over the loopback Hub, found through the environment.</summary>
[Collection(TorchCollection.Name)]
public sealed class DownloadIfMissingTests : HubTest
{
    private static readonly string[] Variables = ["HF_HUB_CACHE", "HF_ENDPOINT", "HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE"];
    private readonly string?[] _before = [.. Variables.Select(Environment.GetEnvironmentVariable)];

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        foreach (var (name, value) in Variables.Zip([Cache, Hub.Endpoint, Folder.Path, "hf_test", null]))
            Environment.SetEnvironmentVariable(name, value);
    }

    public override async Task DisposeAsync()
    {
        for (var i = 0; i < Variables.Length; i++) Environment.SetEnvironmentVariable(Variables[i], _before[i]);
        await base.DisposeAsync();
    }

    [Fact]
    public async Task Load_FetchesWhenAllowed()
    {
        var options = new VisionModelOptions { ModelPath = Id, Device = "cpu" };
        var refused = await Assert.ThrowsAsync<CheckpointException>(() => VisionLanguageEngine.LoadAsync(options));
        Assert.Contains($"d2pruner pull {Id}", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Hub.Requests);
        options.DownloadIfMissing = true;
        var stages = new List<string>();
        await using (var engine = await VisionLanguageEngine.LoadAsync(options, new Stages(stages)))
        {
            Assert.Equal("tiny", engine.Model.Id);
            Assert.Equal(Snapshot, engine.Model.Folder);
        }

        Assert.Contains(stages, s => s.StartsWith("Fetching", StringComparison.Ordinal));
        Assert.All(Hub.Requests.Where(r => !r.Network), r => Assert.Equal("Bearer hf_test", r.Authorization));
        Hub.Requests.Clear();
        await using var again = await VisionLanguageEngine.LoadAsync(options);
        Assert.Empty(Hub.Requests);
    }

    // What other tools fetched for other ends is no whole model.
    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("preprocessor_config.json")]
    public async Task Load_CompletesHalfASnapshot(string missing)
    {
        await ModelHub.PullAsync(Id, Options());
        var link = new FileInfo(Path.Combine(Snapshot, missing));
        link.ResolveLinkTarget(true)!.Delete();
        link.Delete();
        await using var engine = await VisionLanguageEngine.LoadAsync(Allowed());
        Assert.Equal(Hub.Content(missing), File.ReadAllBytes(Path.Combine(Snapshot, missing)));
    }

    [Fact]
    public async Task Load_OffLine_TakesASnapshotWithoutImageSettings()
    {
        await ModelHub.PullAsync(Id, Options());
        File.Delete(Path.Combine(Snapshot, "preprocessor_config.json"));
        Hub.Requests.Clear();
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "1");
        await using var engine = await VisionLanguageEngine.LoadAsync(Allowed());
        Assert.Empty(Hub.Requests);
    }

    [Fact]
    public async Task Load_OfARepositoryWithoutImageSettings_AsksOnce()
    {
        Hub.Remove("preprocessor_config.json");
        Hub.Remove("processor_config.json");
        await (await VisionLanguageEngine.LoadAsync(Allowed())).DisposeAsync();
        Hub.Requests.Clear();
        await using var again = await VisionLanguageEngine.LoadAsync(Allowed());
        Assert.Empty(Hub.Requests);
    }

    [Fact]
    public async Task Load_OfSomethingElse_IsRefusedBeforeTheWeights()
    {
        Hub.Add("config.json", """{ "model_type": "bert" }"""u8.ToArray());
        await Assert.ThrowsAsync<CheckpointException>(
            () => VisionLanguageEngine.LoadAsync(new VisionModelOptions { ModelPath = Id, DownloadIfMissing = true }));
        Assert.Empty(Hub.Gets(Weights));
    }

    // It looks into the folder before it loads the model.
    [Fact]
    public async Task Evaluate_FetchesWhenAllowed()
    {
        File.WriteAllText(Folder.File("empty.tsv"), "");
        string[] arguments = ["--model", Id, "--data", $"mmstar={Folder.File("empty.tsv")}", "--out", Folder.File("report")];
        var refused = await ConsoleRun.OfAsync(EvaluateCommand.Create(), arguments);
        Assert.Equal(1, refused.Code);
        Assert.Contains($"d2pruner pull {Id}", refused.Error, StringComparison.Ordinal);
        var fetched = await ConsoleRun.OfAsync(EvaluateCommand.Create(), [.. arguments, "--pull"]);
        Assert.Equal(1, fetched.Code);
        Assert.Contains("empty.tsv", fetched.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Snapshot, Weights)));
    }

    [Fact]
    public async Task Commands_PullListVerifyRemove()
    {
        var pull = await ConsoleRun.OfAsync(PullCommand.Create(), Id, "--json");
        Assert.Equal(0, pull.Code);
        var json = JsonDocument.Parse(pull.Output).RootElement;
        Assert.Equal((Id, Hub.Commit, Snapshot),
            (json.GetProperty("id").GetString(), json.GetProperty("commit").GetString(), json.GetProperty("folder").GetString()));
        Assert.True(json.GetProperty("bytes_fetched").GetInt64() > 0);
        var again = await ConsoleRun.OfAsync(PullCommand.Create(), Id);
        Assert.Contains("was there already", again.Output, StringComparison.Ordinal);
        var list = JsonDocument.Parse((await ConsoleRun.OfAsync(ListCommand.Create(), "--json")).Output).RootElement;
        Assert.Equal(Id, list[0].GetProperty("id").GetString());
        Assert.True(list[0].GetProperty("complete").GetBoolean());
        Assert.Contains(Id, (await ConsoleRun.OfAsync(ListCommand.Create())).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await ConsoleRun.OfAsync(VerifyCommand.Create(), Id)).Code);
        File.AppendAllText(new FileInfo(Path.Combine(Snapshot, "config.json")).ResolveLinkTarget(true)!.FullName, " ");
        var damaged = await ConsoleRun.OfAsync(VerifyCommand.Create(), Id);
        Assert.Equal(1, damaged.Code);
        Assert.Contains("DAMAGED  config.json", damaged.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await ConsoleRun.OfAsync(RemoveCommand.Create(), Id)).Code);
        Assert.Equal(1, (await ConsoleRun.OfAsync(RemoveCommand.Create(), Id)).Code);
    }

    [Fact]
    public async Task Pull_OfAMissingModel_EndsWithOne()
    {
        var (code, _, error) = await ConsoleRun.OfAsync(PullCommand.Create(), "owner/none");
        Assert.Equal(1, code);
        Assert.Contains("owner/none was not found", error, StringComparison.Ordinal);
    }

    private static VisionModelOptions Allowed() => new() { ModelPath = Id, Device = "cpu", DownloadIfMissing = true };

    private sealed class Stages(List<string> stages) : IProgress<ModelLoadProgress>
    {
        public void Report(ModelLoadProgress value)
        {
            lock (stages) stages.Add(value.Stage);
        }
    }
}
