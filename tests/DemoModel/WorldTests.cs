using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.DemoModel.Tokens;
using D2Pruner.AI.Evaluation.Scenes;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Text;
using Xunit;

namespace D2Pruner.AI.Tests.DemoModel;

public sealed class WorldTests
{
    private static readonly SceneOptions Options = new(3, 8);

    [Fact]
    public void Scenes_RepeatBySeed_AndSplitsDiffer()
    {
        var one = Scene.Create(Split.Test, 7, 3, Options);
        var again = Scene.Create(Split.Test, 7, 3, Options);
        Assert.Equal(one.Objects, again.Objects);
        Assert.Equal(SceneImage.Draw(one).Pixels, SceneImage.Draw(again).Pixels);
        var others = new[] { Scene.Create(Split.Train, 7, 3, Options), Scene.Create(Split.Validation, 7, 3, Options),
            Scene.Create(Split.Test, 8, 3, Options), Scene.Create(Split.Test, 7, 4, Options) };
        Assert.All(others, o => Assert.NotEqual(one.BackgroundSeed, o.BackgroundSeed));
    }

    [Fact]
    public void Pixels_SurviveThePng_AndTheProcessorChangesNothing()
    {
        var image = SceneImage.Draw(Scene.Create(Split.Test, 1, 1, Options));
        var decoded = ImageDecoder.Decode(image.ToPng());
        Assert.Equal(image.Pixels, decoded.Rgb);
        Assert.Equal(image.Pixels, new LlavaImageProcessor(new LlavaImageOptions()).Process(decoded).Resized);
    }

    [Fact]
    public void Objects_AreWhereTheirBoxesSay()
    {
        for (ulong i = 0; i < 40; i++)
        {
            var scene = Scene.Create(Split.Test, 2, i, Options);
            var image = SceneImage.Draw(scene);
            for (var o = 0; o < scene.Objects.Count; o++)
            {
                var box = scene.Objects[o].Box;
                Assert.True(box.Inside(new Box(0, 0, Scene.Side, Scene.Side)));
                for (var p = 0; p < image.Owner.Length; p++)
                {
                    if (image.Owner[p] == o + 1)
                        Assert.True(p % Scene.Side >= box.Left && p % Scene.Side < box.Right && p / Scene.Side >= box.Top
                            && p / Scene.Side < box.Bottom);
                }
            }
        }
    }

    [Fact]
    public void Questions_AreAnsweredByTheScene()
    {
        var (yes, all) = (0, 0);
        for (ulong i = 0; i < 300; i++)
        {
            var scene = Scene.Create(Split.Train, 3, i, Options);
            var writer = new QuestionWriter(new Rng(9, i), scene);
            foreach (var task in Enum.GetValues<QuestionTask>())
            {
                if (writer.Ask(task) is not { } q) continue;
                Assert.All(q.Referents, r => Assert.InRange(r, 0, scene.Objects.Count - 1));
                switch (task)
                {
                    case QuestionTask.Existence:
                        (yes, all) = (yes + (q.Answer == "Yes" ? 1 : 0), all + 1);
                        Assert.Equal(q.Answer == "Yes", q.Referents.Count > 0);
                        break;
                    case QuestionTask.Count:
                        Assert.Equal(q.Referents.Count, int.Parse(q.Answer, System.Globalization.CultureInfo.InvariantCulture));
                        break;
                    case QuestionTask.Colour:
                        Assert.Equal(scene.Objects[Assert.Single(q.Referents)].Colour.ToString(), q.Answer, ignoreCase: true);
                        break;
                    case QuestionTask.Shape:
                        Assert.Equal(scene.Objects[Assert.Single(q.Referents)].Shape.ToString(), q.Answer, ignoreCase: true);
                        break;
                    case QuestionTask.Box or QuestionTask.BoxRelation:
                        Assert.Equal(scene.Objects[Assert.Single(q.Referents)].Box, q.Box);
                        Assert.True(Scored.Of(q, q.Answer).Right, q.Answer);
                        Assert.False(Scored.Of(q, "[0.00, 0.00, 0.01, 0.01]").Right);
                        Assert.False(Scored.Of(q, "nowhere").Right);
                        break;
                    case QuestionTask.Unknown:
                        Assert.Equal(QuestionWriter.CannotTell, q.Answer);
                        break;
                }
            }
        }

        Assert.InRange((double)yes / all, 0.4, 0.6);
    }

    [Fact]
    public void Tokenizer_KnowsItsWorldAndSpellsEverythingElse()
    {
        using var folder = new TemporaryFolder();
        D2Pruner.AI.DemoModel.Training.ModelFolder.WriteConfiguration(folder.Path);
        var tokenizer = TokenizerLoader.Load(folder.Path);
        Assert.InRange(tokenizer.VocabularySize, 500, 4000);
        // BOS and a piece a word.
        Assert.Equal(7, tokenizer.Encode("there is a small orange star").Length);
        Assert.Equal(1 + 5, tokenizer.Encode("[0.12, 0.34, 0.56, 1.00]").Length);
        foreach (var text in new[] { "Why are black holes black?", "naïve 日本語 😀", "tabs\tand\nlines", "[0.5, 12.345]", "0.123", "reddish" })
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        Assert.NotNull(ChatTemplateFile.Read(folder.Path));
        Assert.True(ChatTemplateFile.Read(folder.Path)!.MatchesKnown(new LlavaTemplate()));
    }
}
