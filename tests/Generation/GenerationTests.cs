using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Generation;
using Xunit;

namespace D2Pruner.AI.Tests.Generation;

public sealed class GenerationTests
{
    private static GenerationDefaults Defaults(string json = "{\"eos_token_id\": [2, 7]}")
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), "{\"eos_token_id\": 1}");
        File.WriteAllText(folder.File("generation_config.json"), json);
        return GenerationDefaults.Read(CheckpointFolder.Open(folder.Path));
    }


    [Fact]
    public void Defaults_ReadOneOrSeveralStopIds_ElseTheFallback()
    {
        Assert.Equal([2, 7], Defaults().StopIds.Order());
        Assert.Equal([5], Defaults("{\"eos_token_id\": 5}").StopIds);
        Assert.Equal([1], Defaults("{}").StopIds);
    }

    [Fact]
    public void Merge_RequestOverridesModel_AndTemperatureZeroIsGreedy()
    {
        var model = Defaults("{\"do_sample\": true, \"temperature\": 0.5, \"top_k\": 9, \"repetition_penalty\": 1.05}");
        Assert.False(model.Merge(new GenerationSettings()).Greedy);
        Assert.Equal(1.05, model.Merge(new GenerationSettings()).RepetitionPenalty);
        Assert.True(model.Merge(new GenerationSettings { Temperature = 0 }).Greedy);
        Assert.Equal(3, model.Merge(new GenerationSettings { TopK = 3 }).TopK);
        Assert.True(Defaults().Merge(new GenerationSettings()).Greedy);
        Assert.False(Defaults().Merge(new GenerationSettings { TopP = 0.9 }).Greedy);
        Assert.True(Defaults("{\"do_sample\": true, \"temperature\": 1e-6}").Merge(new GenerationSettings()).Greedy);
        Assert.Equal(1, model.Merge(new GenerationSettings { IgnoreModelDefaults = true }).RepetitionPenalty);
    }

    public static TheoryData<GenerationSettings> Impossible() =>
    [
        new() { MaxNewTokens = 0 }, new() { Temperature = -1 }, new() { Temperature = double.NaN }, new() { TopP = 0 },
            new() { TopP = 1.1 },
        new() { TopK = 0 }, new() { RepetitionPenalty = 0 }, new() { FrequencyPenalty = double.NaN }, new() { PresencePenalty = 1e9 },
        new() { StopSequences = [""] },
    ];

    [Theory]
    [MemberData(nameof(Impossible))]
    public void Merge_RefusesImpossibleSettings(GenerationSettings settings) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Defaults().Merge(settings));

    [Fact]
    public void Greedy_TakesTheBest_AndTheLowerIdOfEqualOnes() =>
        Assert.Equal(1, new Sampler(Defaults().Merge(new GenerationSettings())).Next([0f, 3f, 3f, 1f]));

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    public void LogitsThatAreNoNumbers_AreNoAnswer(double temperature)
    {
        var sampler = new Sampler(Defaults().Merge(new GenerationSettings { Temperature = temperature, TopK = 2 }));
        var e = Assert.Throws<NotFiniteNumberException>(() => sampler.Next([0f, 3f, float.NaN, 1f]));
        Assert.Contains("BFloat16", e.Message);
        Assert.Equal(VisionErrorKind.Internal, e.GetVisionErrorKind());
    }

    [Fact]
    public void Sampling_DependsOnTheSeedAlone()
    {
        float[] logits = [.. Enumerable.Range(0, 50).Select(i => (float)Math.Sin(i))];
        int[] Draw(long seed)
        {
            var sampler = new Sampler(Defaults().Merge(new GenerationSettings { Temperature = 1, Seed = seed }));
            return [.. Enumerable.Range(0, 30).Select(_ => sampler.Next(logits))];
        }

        Assert.Equal(Draw(5), Draw(5));
        Assert.NotEqual(Draw(5), Draw(6));
    }

    [Fact]
    public void TopK_AndTopP_LimitTheCandidates()
    {
        float[] logits = [5, 4, 3, -50, -50];
        int[] Draws(GenerationSettings s)
        {
            var sampler = new Sampler(Defaults().Merge(s with { Seed = 1, Temperature = 5 }));
            return [.. Enumerable.Range(0, 300).Select(_ => sampler.Next(logits)).Distinct().Order()];
        }

        Assert.Equal([0, 1], Draws(new GenerationSettings { TopK = 2 }));
        Assert.Equal([0], Draws(new GenerationSettings { TopP = 0.01 }));
        Assert.Equal([0, 1, 2], Draws(new GenerationSettings { TopP = 0.999 }));
    }

    [Fact]
    public void Sampling_FollowsTheSoftmax()
    {
        var sampler = new Sampler(Defaults().Merge(new GenerationSettings { Temperature = 2, Seed = 11 }));
        float[] logits = [2, 0];
        var share = Enumerable.Range(0, 20000).Count(_ => sampler.Next(logits) == 0) / 20000.0;
        Assert.Equal(Math.E / (Math.E + 1), share, 0.015);
    }

    [Fact]
    public void Penalties_FollowTheirDefinitions()
    {
        var p = new Penalties(Defaults()
            .Merge(new GenerationSettings { RepetitionPenalty = 2, FrequencyPenalty = 0.5, PresencePenalty = 0.25 }), [0, 1]);
        p.Accept(2);
        p.Accept(2);
        float[] logits = [4, -4, 4, 4];
        p.Apply(logits);
        Assert.Equal([2f, -8f, 2f - 1.25f, 4f], logits);
    }

    [Fact]
    public void Stop_IsFoundAcrossPieces_WithAnyChunking()
    {
        var random = new Random(1);
        for (var round = 0; round < 500; round++)
        {
            var text = new string([.. Enumerable.Range(0, 40).Select(_ => "ab\n"[random.Next(3)])]);
            string[] stops = [.. new[] { "ab\na", "bb\n", "aaaa" }.Take(random.Next(1, 4))];
            var first = stops.Select(s => text.IndexOf(s, StringComparison.Ordinal)).Where(i => i >= 0).DefaultIfEmpty(-1).Min();
            var matcher = new StopMatcher(stops);
            var result = "";
            for (var i = 0; i < text.Length && !matcher.Stopped;)
            {
                var n = Math.Min(random.Next(1, 5), text.Length - i);
                result += matcher.Push(text.Substring(i, n));
                i += n;
            }

            result += matcher.Flush();
            // A longer piece may hold a later stop that begins earlier; the earliest begin wins within what was seen.
            Assert.Equal(first >= 0, matcher.Stopped);
            Assert.StartsWith(result, text);
            if (first < 0) Assert.Equal(text, result);
            else Assert.DoesNotContain(stops, s => result.Contains(s, StringComparison.Ordinal));
        }
    }
}
