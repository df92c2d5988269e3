using D2Pruner.AI.Cli;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Evaluation.Data;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints.Hub;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Server;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.Options;
using Xunit;

namespace D2Pruner.AI.Tests.Faults;

/// <summary>Pipes in place of files that are no model's: the Hub's cache, data sets, results, keys, targets. Most once waited
/// for ever.</summary>
[Collection(TorchCollection.Name)]
public sealed class OtherPipeTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly TemporaryFolder _folder = new();

    private static string Model => Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model");

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public async Task AReferenceOfTheHubsCache_NamesNothing()
    {
        var pipe = Pipe("hub/models--owner--tiny/refs/main");
        Directory.CreateDirectory(_folder.File("hub/models--owner--tiny/snapshots/0123"));
        var options = new HubOptions { CacheFolder = _folder.File("hub"), Offline = true };
        Assert.Null(await InTime(() => ModelHub.Find("owner/tiny", options)));
        Assert.Empty(Assert.Single(await InTime(() => ModelHub.List(options))).References);
        await InTime(() => Assert.Throws<HubException>(() => ModelHub.Remove("owner/tiny@main", options)));
        Assert.True(File.Exists(pipe));
    }

    [SkippableFact]
    public async Task AContentOfTheHubsCache_IsAProblem()
    {
        var sum = new string('a', 64);
        Pipe($"hub/models--owner--tiny/blobs/{sum}");
        var snapshot = Directory.CreateDirectory(_folder.File("hub/models--owner--tiny/snapshots/0123")).FullName;
        File.WriteAllText(Path.Combine(snapshot, "config.json"), "{}");
        File.CreateSymbolicLink(Path.Combine(snapshot, "model.safetensors"), Path.Combine("..", "..", "blobs", sum));
        var files = await ModelHub.VerifyAsync("owner/tiny", new HubOptions { CacheFolder = _folder.File("hub"), Offline = true })
            .WaitAsync(Patience);
        Assert.Contains("a pipe", files.Single(f => f.Name == "model.safetensors").Problem, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task TheHubsToken_IsNone()
    {
        const string Name = "HF_TOKEN_PATH";
        var before = Environment.GetEnvironmentVariable(Name);
        Environment.SetEnvironmentVariable(Name, Pipe("token"));
        try
        {
            Assert.Null(await InTime(() => new HubOptions().Token));
        }
        finally
        {
            Environment.SetEnvironmentVariable(Name, before);
        }
    }

    [SkippableFact]
    public async Task APartOfADownload_IsRefused()
    {
        await using var hub = await Hub.FakeHub.StartAsync(Model);
        var options = new HubOptions { Endpoint = hub.Endpoint, CacheFolder = _folder.File("hub"), Offline = false };
        await ModelHub.PullAsync(Hub.FakeHub.Repository, options);
        var weights = new FileInfo(Path.Combine(ModelHub.Find(Hub.FakeHub.Repository, options)!, "model.safetensors"))
            .ResolveLinkTarget(true)!.FullName;
        File.Delete(weights);
        Fifo.Create(weights + ".incomplete");
        await Refused(() => ModelHub.PullAsync(Hub.FakeHub.Repository, options));
    }

    [SkippableFact]
    public async Task AFileThatIsQuantizedAlong_IsRefused()
    {
        var model = _folder.Copy(Model);
        Fifo.Create(Path.Combine(model, "notes.txt"));
        await Refused(() => Task.Run(() => ModelQuantizer.Write(model, _folder.File("out"), new QuantizeOptions { Bits = 8 })));
    }

    [SkippableFact]
    public async Task AnImageToQuantizeBy_IsRefused() => await Refused(() => Task.Run(() => ModelQuantizer.Write(
        Model, _folder.File("out"), new QuantizeOptions { Bits = 8, CalibrationImages = [Pipe("image.png")] })));

    [SkippableTheory]
    [InlineData("mmbench_en", "mmbench_dev.tsv")]
    [InlineData("pope", "coco_pope_random.json")]
    [InlineData("gqa", "testdev_balanced_questions.json")]
    [InlineData("gqa", "testdev_balanced_images/testdev-00000-of-00001.parquet")]
    [InlineData("mme", "color/a.txt")]
    public async Task AFileOfADataSet_IsRefused(string set, string file)
    {
        Pipe("set/" + file);
        if (set == "pope")
            foreach (var other in new[] { "popular", "adversarial" }) File.WriteAllText(_folder.File($"set/coco_pope_{other}.json"), "");
        await Refused(() => Task.Run(
            () => DataSets.Load($"{set}={_folder.File("set")}", new DataRequest("testdev", 10, 1, PromptStyle.Llava))));
    }

    [SkippableFact]
    public async Task AnImageOfADataSet_IsRefused()
    {
        Pipe("set/color/images/a.png");
        File.WriteAllText(_folder.File("set/color/a.txt"), "Is it red?\tYes\n");
        var data = DataSets.Load($"mme={_folder.File("set")}", new DataRequest("test", 10, 1, PromptStyle.Llava));
        await Refused(() => Task.Run(() => data.Samples[0].ReadImage!()));
    }

    [SkippableTheory]
    [InlineData(EvaluationRun.AnswersFile)]
    [InlineData(EvaluationRun.RunFileName)]
    [InlineData("report.json")]
    public async Task AResultOfAnEvaluation_IsRefused(string file)
    {
        Pipe("out/" + file);
        await Refused(() => Task.Run(() => EvaluationRun.Run(new EvaluationOptions
        {
            Model = new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu" },
            Data = [DataSets.Load("demo", new DataRequest("test", 1, 1, PromptStyle.Llava))],
            Methods = ["d2pruner"],
            Keep = [8],
            Resamples = 10,
            Draw = false,
            OutputFolder = _folder.File("out"),
        })));
    }

    [SkippableFact]
    public async Task AFileOfKeys_IsRefused() =>
        await Refused(() => Task.Run(() => new ApiKeys(Options.Create(new D2PrunerServerOptions { ApiKeyFile = Pipe("keys") }))));

    [SkippableFact]
    public async Task ATarget_IsRefusedBeforeTheWork() => await Refused(
        () => Task.Run(() => OutputFile.EnsureWritable("--out", new FileInfo(Pipe("overlay.png")))));

    [SkippableFact]
    public async Task ALibtorchsVersion_IsRefused()
    {
        var version = Pipe("torch/build-version");
        var libraries = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(version)!, "lib")).FullName;
        foreach (var name in new[] { "libtorch_cpu.so", "libtorch_cpu.dylib" }) File.WriteAllText(Path.Combine(libraries, name), "");
        await Refused(() => Task.Run(() => TorchEnvironment.UseLibtorch(libraries)));
    }

    private string Pipe(string name)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Named pipes are Unix'.");
        var path = _folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return Fifo.Create(path);
    }

    private static Task<T> InTime<T>(Func<T> action) => Task.Run(action).WaitAsync(Patience);

    private static async Task Refused(Func<Task> action)
    {
        var e = await Record.ExceptionAsync(() => action().WaitAsync(Patience));
        Assert.True(e is not (null or TimeoutException), $"{e}");
        Assert.Contains("a pipe", e.ToString(), StringComparison.Ordinal);
    }
}
