using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Evaluation.Data;
using D2Pruner.AI.Evaluation.Reports;
using D2Pruner.AI.Evaluation.Rivals;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Evaluation.Scenes;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Prompts;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>Runs over a few scenes of the shipped model.</summary>
[Collection(TorchCollection.Name)]
public sealed class EvaluationRunTests(EvaluationRunTests.Finished finished) : IClassFixture<EvaluationRunTests.Finished>
{
    private const int Scenes = 2;

    /// <summary>A run without interruption.</summary>
    public sealed class Finished : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public Finished() => Report = EvaluationRun.Run(Options(_folder.Path));

        public EvaluationReport Report { get; }

        public string Folder => _folder.Path;

        public void Dispose() => _folder.Dispose();
    }

    [Fact]
    public void Killed_AndResumed_GivesTheSameReport()
    {
        using var folder = new TemporaryFolder();
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => EvaluationRun.Run(Options(folder.Path), new Stopper(stop, 5), stop.Token));
        var answers = folder.File(EvaluationRun.AnswersFile);
        Assert.Equal(5, File.ReadLines(answers).Count());
        File.AppendAllText(answers, "{\"data\":\"demo\",\"id\":\"half a li"); // what a kill while writing leaves
        EvaluationRun.Run(Options(folder.Path));
        Assert.Equal(File.ReadAllText(Path.Combine(finished.Folder, "report.json")), File.ReadAllText(folder.File("report.json")));
    }

    [Fact]
    public void SeveralWorkers_GiveTheSameReport()
    {
        using var folder = new TemporaryFolder();
        EvaluationRun.Run(Options(folder.Path) with { Workers = 2, Draw = false });
        Assert.Equal(File.ReadAllText(Path.Combine(finished.Folder, "report.json")), File.ReadAllText(folder.File("report.json")));
    }

    [Fact]
    public void ASecondRunInOneFolder_IsRefused_UntilTheFirstHasEnded()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File(EvaluationRun.AnswersFile);
        var (first, _) = RunFile.Open(path);
        using (first)
        {
            Assert.Contains("Another run", Assert.Throws<IOException>(() => RunFile.Open(path)).Message);
            Assert.Empty(File.ReadAllText(path)); // who only reads may
        }

        RunFile.Open(path).File.Dispose();
    }

    [Fact]
    public void AWorkersFailure_StopsTheOthers()
    {
        var stopped = 0;
        var error = Assert.Throws<IOException>(() => Workers.Run(3, default, (worker, stop) =>
        {
            if (worker == 1) throw new IOException("full");
            Assert.True(stop.WaitHandle.WaitOne(TimeSpan.FromMinutes(1)));
            Interlocked.Increment(ref stopped);
        }));
        Assert.Equal(("full", 2), (error.Message, stopped));
    }

    [Fact]
    public void MethodsMayBeAdded_OtherDataMayNot()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(finished.Folder)) File.Copy(file, folder.File(Path.GetFileName(file)));
        var more = EvaluationRun.Run(Options(folder.Path) with { Methods = ["d2pruner", "fastv", "random"] });
        Assert.Contains(more.Cells, c => c.Method == "random");
        Assert.Equal(finished.Report.Cells.First(c => c.Method == "fastv").Accuracy, more.Cells.First(c => c.Method == "fastv").Accuracy);
        var error = Assert.Throws<ArgumentException>(
            () => EvaluationRun.Run(Options(folder.Path) with { Data = [DemoData.Create(Split.Validation, 78, Scenes)] }));
        Assert.Contains("--out", error.Message);
    }

    /// <summary>Answers depend on the prior, which is no part of the weights.</summary>
    [Fact]
    public void AnotherPrior_IsAnotherRun()
    {
        using var folder = new TemporaryFolder();
        var copy = folder.Copy(Repository.DemoModel, f => f != ModelLoader.PriorFileName);
        var options = Options(folder.File("run")) with
        {
            Model = new() { ModelPath = copy, Device = "cpu" }, Data = [DemoData.Create(Split.Validation, 77, 1)], Methods = ["d2pruner"],
            Against = [], Keep = [64], Draw = false,
        };
        EvaluationRun.Run(options);
        File.Copy(Path.Combine(Repository.DemoModel, ModelLoader.PriorFileName), Path.Combine(copy, ModelLoader.PriorFileName));
        var error = Assert.Throws<ArgumentException>(() => EvaluationRun.Run(options with { Keep = [64, 32] }));
        Assert.Contains("prior", error.Message);
        // A run that began before priors stood there goes on.
        var about = Path.Combine(options.OutputFolder, EvaluationRun.RunFileName);
        var json = JsonNode.Parse(File.ReadAllText(about))!.AsObject();
        Assert.True(json.Remove("prior"));
        File.WriteAllText(about, json.ToJsonString());
        EvaluationRun.Run(options);
    }

    /// <summary>The report's own numbers by other few lines, from the answers on disk alone.</summary>
    [Fact]
    public void Cells_AreWhatTheAnswersSay()
    {
        var lines = File.ReadLines(Path.Combine(finished.Folder, EvaluationRun.AnswersFile))
            .Select(l => JsonDocument.Parse(l).RootElement).ToArray();
        using var report = JsonDocument.Parse(File.ReadAllText(Path.Combine(finished.Folder, "report.json")));
        var groups = new Dictionary<string, string[]> { ["understanding"] = ["existence", "count", "colour", "shape", "relation"],
            ["boxes"] = ["box", "box_rel"] };
        var cells = report.RootElement.GetProperty("cells").EnumerateArray().ToArray();
        Assert.True(cells.Length > 30);
        foreach (var cell in cells)
        {
            foreach (var key in new[] { "method", "keep", "layer", "task", "n", "accuracy", "low", "high", "retention", "minus_d2pruner",
                "minus_low", "minus_high" }) Assert.True(cell.TryGetProperty(key, out _), key);
            string Key(string method) => method == "unpruned" ? method : $"{method}@{cell.GetProperty("layer")}:{cell.GetProperty("keep")}";
            var (method, task) = (cell.GetProperty("method").GetString()!, cell.GetProperty("task").GetString()!);
            var rows = lines.Where(l => (groups.GetValueOrDefault(task) ?? [task]).Contains(l.GetProperty("task").GetString())).ToArray();
            double Mean(string key) => rows.Average(r => r.GetProperty("answers").GetProperty(key).GetProperty("score").GetDouble());
            Assert.Equal(rows.Length, cell.GetProperty("n").GetInt32());
            Assert.Equal(Mean(Key(method)), cell.GetProperty("accuracy").GetDouble(), 6);
            Assert.True(cell.GetProperty("low").GetDouble() <= cell.GetProperty("accuracy").GetDouble()
                && cell.GetProperty("accuracy").GetDouble() <= cell.GetProperty("high").GetDouble());
            if (Mean("unpruned") > 0) Assert.Equal(Mean(Key(method)) / Mean("unpruned"), cell.GetProperty("retention").GetDouble(), 5);
            if (method != "unpruned")
                Assert.Equal(Mean(Key(method)) - Mean(Key("d2pruner")), cell.GetProperty("minus_d2pruner").GetDouble(), 6);
        }
    }

    [Fact]
    public void Differences_AreThoseOfTheAccuracies()
    {
        Assert.NotEmpty(finished.Report.Differences);
        foreach (var d in finished.Report.Differences)
        {
            double Of(string method) => finished.Report.Cells.Single(
                c => (c.Method, c.Keep, c.Layer, c.Task) == (method, d.Keep, d.Layer, d.Task)).Accuracy;
            Assert.Equal("fastv", d.Minus);
            Assert.Equal(Of(d.Method) - Of("fastv"), d.Difference, 5);
            Assert.InRange(d.Difference, d.Low, d.High);
        }

        // d2pruner to fastv is fastv to d2pruner the other way round.
        foreach (var d in finished.Report.Differences.Where(d => d.Method == "d2pruner"))
        {
            var cell = finished.Report.Cells.Single(c => (c.Method, c.Keep, c.Task) == ("fastv", d.Keep, d.Task));
            Assert.Equal(-cell.MinusD2Pruner!.Value, d.Difference, 6);
        }
    }

    [Fact]
    public void FilesAreThere() =>
        Assert.All(new[] { "report.md", "timings.json", "retention-boxes.png", "retention-understanding.png", "time-boxes.png" },
            f => Assert.True(File.Exists(Path.Combine(finished.Folder, f)), f));

    [Theory]
    [InlineData("d2pruner:pivot_ratio=2", "pivot_ratio")]
    [InlineData("d2pruner:nothing=1", "nothing")]
    [InlineData("d2pruner:pivot_ratio", "NAME=VALUE")]
    public void WrongParameters_AreNamed(string method, string word) =>
        Assert.Contains(word, Assert.Throws<ArgumentException>(() => MethodSettings.Of(new Condition(method, 2, 64))).Message);

    [Fact]
    public void Parameters_StandBehindAColon()
    {
        var settings = MethodSettings.Of(new Condition("d2pruner:pivot_ratio=1:alpha=0.5", 2, 64));
        Assert.Equal(("d2pruner", 1.0, 0.5, 2), (settings.Method, settings.PivotRatio, settings.Alpha, settings.LayersBeforePruning));
        Assert.Equal(PruningSettings.FromPreset(PruningPreset.Understanding).Method,
            MethodSettings.Of(new Condition("default", 2, 64)).Method);
    }

    /// <summary>A method that a model cannot run keeps its row, with the reason.</summary>
    [Fact]
    public void MethodsThatCannotRun_SayWhy()
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder.Path) with
        {
            Data = [DemoData.Create(Split.Validation, 77, 1)],
            Methods = ["cdpruner", "globalcom2", "sparsevlm+", "sparsevlm", "vispruner", "vispruner:official"],
            Keep = [65, 64],
            Draw = false,
        };
        var report = EvaluationRun.Run(options);
        string? Why(string method, int keep) => report.CannotRun.SingleOrDefault(r => (r.Method, r.Keep) == (method, keep))?.Why;
        Assert.Contains("text tower", Why("cdpruner", 64));
        Assert.Contains("tiles", Why("globalcom2", 64));
        Assert.Contains("14 heads; this model has 4", Why("sparsevlm+", 64));
        Assert.Contains("lists", Why("sparsevlm", 65));
        Assert.Null(Why("sparsevlm", 64));
        Assert.Null(Why("vispruner:official", 64)); // 544 are left for rounds
        Assert.Contains(report.Cells, c => c is { Method: "sparsevlm", Keep: 64 });
        Assert.Empty(report.NotRun);
        var text = File.ReadAllText(folder.File("report.md"));
        Assert.Contains("| cdpruner | cannot run: ", text);
        Assert.Contains("official: tokens kept", text);
    }

    [Theory]
    [InlineData("fastv:official", "no published form")]
    [InlineData("d2pruner:prior=other", "prior=uniform")]
    public void WrongForms_AreNamed(string method, string word) =>
        Assert.Contains(word, Assert.Throws<ArgumentException>(() => MethodSettings.Check(new Condition(method, 2, 64))).Message);

    [Fact]
    public void OneThingUnderTwoNames_IsAskedOnce()
    {
        object Of(string method, int layer) => MethodSettings.Identity(new Condition(method, layer, 64), 12);
        Assert.Equal(Of("d2pruner", 2), Of("default", 2));
        Assert.NotEqual(Of("d2pruner", 2), Of("default", 3));
        Assert.NotEqual(Of("d2pruner", 2), Of("d2pruner:prior=uniform", 2));
        Assert.Equal(Of("pyramiddrop", 2), Of("pyramiddrop", 5));
        Assert.Equal(Of("visionzip", 2), Of("visionzip", 5));
        Assert.NotEqual(Of("fitprune", 2), Of("fitprune", 5));
        Assert.NotEqual(Of("fastervlm", 2), Of("fastervlm:official", 2));
    }

    [Fact]
    public void UnknownMethods_AreNamed() =>
        Assert.Contains("nonsense",
            Assert.Throws<ArgumentException>(() => EvaluationRun.Run(Options("nowhere") with { Methods = ["nonsense"] })).Message);

    /// <summary>The shared way through the decoder is the engine's: the same words for the same settings.</summary>
    [Fact]
    public async Task Answers_AreTheEngines()
    {
        await using var engine = await VisionLanguageEngine.LoadAsync(Model());
        foreach (var sample in Options("").Data[0].Samples.Take(4))
        {
            foreach (var method in new[] { "unpruned", "d2pruner", "dart" })
            {
                var key = method == "unpruned" ? method : $"{method}@2:64";
                var expected = Recorded(sample.Id).GetProperty(key).GetProperty("text").GetString();
                var request = new VisionRequest
                {
                    Turns = Turns(sample),
                    Generation = new GenerationSettings { MaxNewTokens = 32, Temperature = 0 },
                    Pruning = method == "unpruned" ? null : MethodSettings.Of(new Condition(method, 2, 64)),
                };
                await foreach (var e in engine.GenerateAsync(request, default))
                {
                    if (e is GenerationCompleted done) Assert.Equal(expected, done.Result.Text);
                }
            }
        }
    }

    [Fact]
    public void EverythingKept_IsUnpruned() =>
        Assert.All(Options("").Data[0].Samples,
            s => Assert.Equal(Recorded(s.Id).GetProperty("unpruned").GetProperty("text").GetString(),
                Recorded(s.Id).GetProperty("d2pruner@2:576").GetProperty("text").GetString()));

    [Fact]
    public void PivotsAloneWithoutAPrior_AreFastVsChoice()
    {
        using var model = ModelLoader.LoadModel(Model());
        using var inference = torch.inference_mode();
        var sample = Options("").Data[0].Samples[0];
        var (prompt, vision) = Begin(model, sample);
        using var forward = new SharedForward(model, prompt, [vision], default);
        var settings = MethodSettings.Of(new Condition("d2pruner", 2, 100)) with { PivotRatio = 1 };
        int[] Kept(PruningSettings s) =>
            forward.Answer(MethodSettings.Create(s, sample, prompt, model.Info.DecoderLayers), [[100]], null, true, 1).Images[0].Kept;
        Assert.Equal(Kept(settings with { Method = "fastv" }), Kept(settings));
        vision.Features.Dispose();
    }

    /// <summary>Layers, choices and decode steps that conditions share change nothing: each answers what it answers alone.</summary>
    [Fact]
    public void Conditions_Together_AnswerWhatEachAnswersAlone()
    {
        using var model = ModelLoader.LoadModel(Model());
        using var inference = torch.inference_mode();
        var sample = Options("").Data[0].Samples.First(s => s.Box is not null); // the longest answers
        var (prompt, vision) = Begin(model, sample);
        string[] methods = ["unpruned", "d2pruner", "fastv", "hired", "fastervlm", "pyramiddrop", "pool2x2", "sparsevlm", "unpruned"];
        using var together = new SharedForward(model, prompt, [vision], default);
        ForwardAnswer[] answers = [.. methods.Select(m => Read(together, m))];
        together.Finish();
        Assert.Same(answers[3].Open, answers[4].Open);
        Assert.Equal(methods.Length - 1, answers.Select(a => a.Open).Distinct().Count());
        for (var i = 0; i < methods.Length; i++)
        {
            using var other = new SharedForward(model, prompt, [vision], default);
            var alone = Read(other, methods[i]);
            other.Finish();
            Assert.Equal(alone.TokenIds, answers[i].TokenIds);
            Assert.Equal(alone.CacheTokens, answers[i].CacheTokens);
        }

        vision.Features.Dispose();

        ForwardAnswer Read(SharedForward forward, string method)
        {
            var condition = new Condition(method, 2, 64);
            if (RivalCatalog.Find(method) is { } rival) return forward.Read(rival.Stages!(model, condition), 32);
            if (method == Condition.UnprunedName) return forward.Read(null, [], null, true, 32);
            var pruner = MethodSettings.Create(MethodSettings.Of(condition), sample, prompt, model.Info.DecoderLayers)!;
            return forward.Read(pruner, [.. pruner.Schedule.Select(s => BudgetSplit.Split(s.Budget, [576]))], null, true, 32);
        }
    }

    /// <summary>What a rival learned from the first questions stays in the folder: a run that goes on reads it.</summary>
    [Fact]
    public void LearnedTables_StayInTheFolder()
    {
        const string cell = "fitprune@2:64";
        using var folder = new TemporaryFolder();
        var options = Options(folder.Path) with
        {
            Data = [DemoData.Create(Split.Validation, 77, 1)], Methods = ["fitprune"], Against = [], Keep = [64], Draw = false,
        };
        var fits = folder.File(EvaluationRun.FitsFile);
        var kept = Run();
        Assert.All(kept, k => Assert.InRange(k, 1, 575));
        var learned = File.ReadAllText(fits);
        var json = JsonNode.Parse(learned)!;
        json["tables"]![cell] = JsonNode.Parse("[0]"); // deletes nothing
        File.WriteAllText(fits, json.ToJsonString());
        Assert.All(Run(), k => Assert.Equal(576, k));
        File.WriteAllText(fits, learned[..^3]);
        Assert.Equal(kept, Run());
        Assert.Equal(learned, File.ReadAllText(fits));

        int[] Run()
        {
            var answers = folder.File(EvaluationRun.AnswersFile);
            File.Delete(answers);
            EvaluationRun.Run(options);
            return [.. File.ReadLines(answers).Select(l => JsonNode.Parse(l)!["answers"]![cell]!["kept"]!.GetValue<int>())];
        }
    }

    /// <summary>Before the least number of tokens no stop id is taken; what was said until then stays.</summary>
    [Fact]
    public void Answers_HaveTheLeastNumberOfTokens()
    {
        using var model = ModelLoader.LoadModel(Model());
        using var inference = torch.inference_mode();
        var sample = Options("").Data[0].Samples[0];
        var (prompt, vision) = Begin(model, sample);
        using var free = new SharedForward(model, prompt, [vision], default);
        var natural = free.Answer(null, [], null, true, 32).TokenIds;
        var least = natural.Count + 3;
        using var held = new SharedForward(model, prompt, [vision], default) { MinNewTokens = least };
        var longer = held.Answer(null, [], null, true, 64).TokenIds;
        Assert.InRange(longer.Count, least, 64);
        Assert.Equal(natural, longer.Take(natural.Count));
        Assert.DoesNotContain(longer, id => model.Generation.StopIds.Contains(id));
        vision.Features.Dispose();
    }

    /// <summary>LLaVA's templates put images first; what a harness writes before one stands there all the same.</summary>
    [Fact]
    public void TextBeforeTheImage_StandsBeforeIt()
    {
        using var model = ModelLoader.LoadModel(Model());
        var sample = Options("").Data[0].Samples[0];
        var image = Process(model, sample);
        Assert.Equal(Before("") + "\n", Before("\n"));

        string Before(string text)
        {
            var prompt = EvaluationRun.Encoder(model, sample with { BeforeImage = text }).Encode(Turns(sample), [image]);
            return model.Tokenizer.Decode([.. prompt.TokenIds.Take(prompt.VisualPositions[0][0]).Select(id => (int)id)]);
        }
    }

    private static (EncodedPrompt Prompt, VisionOutput Vision) Begin(VisionLanguageModel model, EvaluationSample sample)
    {
        var image = Process(model, sample);
        return (model.PromptEncoder.Encode(Turns(sample), [image]), model.Vision.Encode(image, true));
    }

    private static ProcessedImage Process(VisionLanguageModel model, EvaluationSample sample) =>
        model.ImageProcessor.Process(ImageDecoder.Decode(sample.ReadImage!()));

    private static ChatTurn[] Turns(EvaluationSample sample) =>
        [new ChatTurn("user", [new ImagePart(sample.ReadImage!()), new TextPart(sample.Prompt)])];

    private JsonElement Recorded(string id) =>
        File.ReadLines(Path.Combine(finished.Folder, EvaluationRun.AnswersFile)).Select(l => JsonDocument.Parse(l).RootElement)
        .Single(l => l.GetProperty("id").GetString() == id).GetProperty("answers");

    private static VisionModelOptions Model() => new() { ModelPath = Repository.DemoModel, Device = "cpu" };

    private static EvaluationOptions Options(string folder) => new()
    {
        Model = Model(),
        Data = [DemoData.Create(Split.Validation, 77, Scenes)],
        Methods = ["d2pruner", "fastv", "dart", "visionzip"],
        Against = ["fastv"],
        Keep = [576, 64],
        OutputFolder = folder,
        Resamples = 200,
    };

    private sealed class Stopper(CancellationTokenSource stop, int after) : IProgress<EvaluationProgress>
    {
        private int _left = after;

        public void Report(EvaluationProgress value)
        {
            if (--_left == 0) stop.Cancel();
        }
    }
}
