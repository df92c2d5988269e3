using System.Text.Json;
using D2Pruner.AI.DemoModel.Evaluation;
using D2Pruner.AI.Evaluation.Scenes;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Xunit;

namespace D2Pruner.AI.Tests.DemoModel;

/// <summary>The shipped model, loaded as any other.</summary>
[Collection(TorchCollection.Name)]
public sealed class DemoModelTests(DemoModelTests.Loaded model) : IClassFixture<DemoModelTests.Loaded>
{
    private const ulong Seed = 48;
    private const int MayDiffer = 3;

    /// <summary>
    /// Answers as recorded by <c>evaluate --seed 48 --scenes 48 --precision Float32 --jsonl</c>: in float32, so that another processor's
    /// rounding changes few. A scene differs if one of its answers does.
    /// </summary>
    [Fact]
    public async Task FortyEightScenes_AreAnsweredAsRecorded()
    {
        var differing = new List<string>();
        var scenes = File.ReadLines(Path.Combine(Repository.Root, "tests", "DemoModel", "recorded-answers.jsonl"))
            .Select(l => JsonDocument.Parse(l).RootElement)
            .GroupBy(l => l.GetProperty("scene").GetInt32()).ToList();
        Assert.Equal(Enumerable.Range(0, 48), scenes.Select(s => s.Key));
        foreach (var scene in scenes)
        {
            var (png, questions) = SceneCases.Case(Split.Test, Seed, scene.Key);
            var changed = new List<string>();
            foreach (var line in scene)
            {
                var question = questions.Single(q => EvaluationReport.Key(q.Task) == line.GetProperty("task").GetString());
                Assert.Equal(line.GetProperty("question").GetString(), question.Text);
                var given = (await Evaluator.AskAsync(model.Engine, png, question, null, default)).Given;
                if (given != line.GetProperty("given").GetString())
                    changed.Add($"scene {scene.Key}: {question.Text} '{given}', recorded '{line.GetProperty("given").GetString()}'");
            }

            if (changed.Count > 0) differing.Add(string.Join("; ", changed));
        }

        Assert.True(differing.Count <= MayDiffer, string.Join("\n", differing));
    }

    /// <summary>The card's figures come from 500 scenes; sixty show that they were not made up.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(PruningPreset.Understanding)]
    public async Task ItSees(PruningPreset? preset)
    {
        var (right, count) = (0, 0);
        for (var i = 0; i < 30; i++)
        {
            var (png, questions) = SceneCases.Case(Split.Test, 7, i);
            foreach (var question in questions.Where(q => q.Task is QuestionTask.Colour or QuestionTask.Shape))
            {
                count++;
                if ((await Evaluator.AskAsync(
                    model.Engine, png, question, preset is { } p ? PruningSettings.FromPreset(p) : null, default)).Right) right++;
            }
        }

        Assert.True(count > 40 && right >= 0.75 * count, $"{right} of {count}");
    }

    /// <summary>None of these is in <see cref="QuestionWriter"/>.</summary>
    [Fact]
    public async Task QuestionsOutsideItsWorld_AreMostlyDeclined()
    {
        string[] questions =
        [
            "What is the boy holding?", "Is the sun shining?", "How many birds are flying?", "What colour is the roof?", "Who is singing?",
                "Which season is it?", "What is the girl reading?",
            "How tall is the building?", "Where is the bicycle?", "Is the coffee hot?", "What is written on the wall?",
            "Translate this sentence into French.", "What is two plus two?",
            "Are the children playing?", "Why is the sky blue?", "When does the train leave?", "What kind of music is playing?",
            "Is there a horse?", "Can you swim?", "What is your favourite film?",
        ];
        var (png, _) = SceneCases.Case(Split.Test, Seed, 1);
        var declined = 0;
        foreach (var text in questions)
        {
            if ((await Evaluator.AskAsync(
                model.Engine, png, new Question(QuestionTask.Unknown, text, QuestionWriter.CannotTell, []), null,
                default)).Right) declined++;
        }

        Assert.True(declined >= 12, $"{declined} of {questions.Length}");
    }

    [Fact]
    public void TheFolder_IsWhole_AndSmall()
    {
        foreach (var file in new[] { "README.md", "config.json", "tokenizer.json", "preprocessor_config.json", "model.safetensors" })
            Assert.True(File.Exists(Path.Combine(Repository.DemoModel, file)), file);
        Assert.True(new FileInfo(Path.Combine(Repository.DemoModel, "model.safetensors")).Length <= 30_000_000);
    }

    [Theory]
    [InlineData(PruningPreset.Understanding)]
    [InlineData(PruningPreset.Localization)]
    public async Task ItsPriors_AreFound(PruningPreset preset)
    {
        var (png, questions) = SceneCases.Case(Split.Test, Seed, 0);
        var request = new VisionRequest
        {
            Turns = [new ChatTurn("user", [new ImagePart(png), new TextPart(questions[0].Text)])],
            Generation = new GenerationSettings { MaxNewTokens = 1 },
            Pruning = PruningSettings.FromPreset(preset),
        };
        var prefill = Assert.Single((await model.Engine.GenerateAsync(request).ToListAsync()).OfType<PrefillCompleted>()).Prefill;
        Assert.DoesNotContain("uniform", prefill.Prior!, StringComparison.OrdinalIgnoreCase);
    }

    public sealed class Loaded : IAsyncLifetime
    {
        internal VisionLanguageEngine Engine { get; private set; } = null!;

        public async Task InitializeAsync() =>
            Engine = await VisionLanguageEngine.LoadAsync(
                new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu", Precision = ModelPrecision.Float32 });

        public async Task DisposeAsync() => await Engine.DisposeAsync();
    }
}
