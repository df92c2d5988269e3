using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Engine;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Engine;

/// <summary>Answers in a batch and answers that reuse a beginning are the answers that a request gets alone.</summary>
[Collection(TorchCollection.Name)]
public sealed class BatchTests
{
    private static string Fixture => Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");

    private static byte[][] Images =>
        [.. Directory.GetFiles(Path.Combine(Fixture, "images"), "*.png").Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];

    private static Task<VisionLanguageEngine> Load(
        bool demo, int sequences, long prefixes, ModelPrecision precision = ModelPrecision.Auto) =>
        VisionLanguageEngine.LoadAsync(new VisionModelOptions
    {
        ModelPath = demo ? Repository.DemoModel : Path.Combine(Fixture, "model"),
        Device = "cpu",
        Precision = precision,
        MaxSequences = sequences,
        PrefixCacheBytes = prefixes,
        QueueCapacity = 1000,
    });

    // Greedy and sampled ones, pruned and not, with one image, none or two.
    private static VisionRequest[] Requests(int count, int seed)
    {
        var (random, images) = (new Random(seed), Images);
        string[] questions = ["What is this?", "Where is the red circle?", "How many things are there? Tell me in a few words.", "Colour?"];
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var parts = new List<ChatPart>();
            for (var k = random.Next(3); k > 0; k--) parts.Add(new ImagePart(images[random.Next(images.Length)]));
            parts.Add(new TextPart(questions[random.Next(questions.Length)]));
            return new VisionRequest
            {
                Turns = [new ChatTurn("user", parts)],
                Generation = new GenerationSettings { MaxNewTokens = random.Next(1, 12), Temperature = i % 2 == 0 ? 0
                    : 1.5, Seed = i, IgnoreModelDefaults = true },
                Pruning = random.Next(3) switch { 0 => null, 1 => new PruningSettings { Prior = "uniform" },
                    _ => PruningSettings.FromPreset(PruningPreset.Localization) with { Prior = "uniform" } },
            };
        })];
    }

    private static async Task<GenerationResult> Ask(
        VisionLanguageEngine engine, VisionRequest request, CancellationToken cancellationToken = default)
    {
        await foreach (var e in engine.GenerateAsync(request, cancellationToken))
        {
            if (e is GenerationCompleted c) return c.Result;
        }

        throw new InvalidOperationException("no answer");
    }

    [Theory]
    [InlineData(false, ModelPrecision.Float32)]
    [InlineData(false, ModelPrecision.BFloat16)]
    [InlineData(true, ModelPrecision.BFloat16)]
    public async Task InABatch_TokensAreThoseOfARequestAlone(bool demo, ModelPrecision precision)
    {
        var requests = Requests(24, 5);
        await using var alone = await Load(demo, 1, 0, precision);
        await using var together = await Load(demo, 16, 0, precision);
        var expected = new List<GenerationResult>();
        foreach (var r in requests) expected.Add(await Ask(alone, r));
        var actual = await Task.WhenAll(requests.Select(r => Ask(together, r)));
        for (var i = 0; i < requests.Length; i++) Assert.Equal(expected[i].TokenIds, actual[i].TokenIds);
    }

    [Fact]
    public async Task RandomArrivalsAndCancellations_ChangeNoAnswer_AndLeaveNothingBehind()
    {
        var requests = Requests(40, 9);
        await using var alone = await Load(false, 1, 0, ModelPrecision.Float32);
        var expected = new List<GenerationResult>();
        foreach (var r in requests) expected.Add(await Ask(alone, r));
        await alone.DisposeAsync();
        foreach (var prefixes in new[] { 0L, 64L << 20 })
        {
            await using var engine = await Load(false, 5, prefixes, ModelPrecision.Float32);
            await Ask(engine, requests[0]);
            var random = new Random(3);
            await Task.WhenAll(requests.Select(async (r, i) =>
            {
                var (delay, cancel) = (random.Next(60), random.Next(3) == 0 ? random.Next(1, 120) : Timeout.Infinite);
                await Task.Delay(delay);
                using var source = new CancellationTokenSource(cancel);
                try
                {
                    Assert.Equal(expected[i].TokenIds, (await Ask(engine, i % 7 == 6 ? Broken : r, source.Token)).TokenIds);
                }
                catch (OperationCanceledException e)
                {
                    Assert.Equal(source.Token, e.CancellationToken);
                }
                catch (Runtime.Imaging.ImageDecodeException) when (i % 7 == 6)
                {
                }
            }));
            var status = engine.GetStatus();
            Assert.Equal((0, 0, 0L), (status.QueueLength, status.RunningSequences, status.KvBytes));
            Assert.Equal(prefixes > 0, status.PrefixCacheHits > 0);
            Assert.InRange(status.PrefixCacheBytes, 0, prefixes);
            Assert.Equal(expected[1].TokenIds, (await Ask(engine, requests[1])).TokenIds);
        }
    }

    private static VisionRequest Broken => new() { Turns = [new ChatTurn("user", [new ImagePart(new byte[50]), new TextPart("?")])] };

    [Fact]
    public async Task WhatIsCached_IsAllThatStaysOfManyRequests()
    {
        await using var engine = await Load(false, 4, 0, ModelPrecision.Float32);
        await Task.WhenAll(Requests(12, 1).Select(r => Ask(engine, r)));
        var before = torch.Tensor.TotalCount;
        await Task.WhenAll(Requests(12, 1).Select(r => Ask(engine, r)));
        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    [Fact]
    public async Task ASecondQuestion_ReusesTheImage_AndSaysSo()
    {
        await using var engine = await Load(false, 4, 64L << 20, ModelPrecision.Float32);
        await using var fresh = await Load(false, 1, 0, ModelPrecision.Float32);
        foreach (var pruning in new[] { null, new PruningSettings { Prior = "uniform" } })
        {
            VisionRequest Question(string text) => new()
            {
                Turns = [new ChatTurn("user", [new ImagePart(Images[0]), new TextPart(text)])],
                Generation = new GenerationSettings { MaxNewTokens = 4, IgnoreModelDefaults = true },
                Pruning = pruning,
            };
            Assert.Null((await Ask(engine, Question("What is this?"))).Prefill.Reused);
            var second = await Ask(engine, Question("Where is the star, please?"));
            var expected = await Ask(fresh, Question("Where is the star, please?"));
            Assert.Equal(expected.TokenIds, second.TokenIds);
            Assert.Equal(expected.Prefill.Images[0].Kept, second.Prefill.Images[0].Kept);
            Assert.Equal(PrefixReuse.Exact, second.Prefill.Reused);
            Assert.InRange(second.Prefill.CachedTokens, 36, second.Prefill.PromptTokens - 1);
            Assert.Null((await Ask(engine, Question("What is this?") with { PrefixReuse = PrefixReuse.Off })).Prefill.Reused);
        }
    }

    [Fact]
    public async Task AFollowUp_ReusesTheTextOfTheTurnBefore_Too()
    {
        await using var engine = await Load(false, 1, 64L << 20, ModelPrecision.Float32);
        await using var fresh = await Load(false, 1, 0, ModelPrecision.Float32);
        VisionRequest Request(params ChatTurn[] further) => new()
        {
            Turns = [new ChatTurn("user", [new ImagePart(Images[0]), new TextPart(string.Join(' ', Enumerable.Repeat("is", 60)))]),
                .. further],
            Generation = new GenerationSettings { MaxNewTokens = 4, IgnoreModelDefaults = true },
            Pruning = new PruningSettings { Prior = "uniform", LayersBeforePruning = 2 },
        };
        var first = await Ask(engine, Request());
        var followUp = Request(
            new ChatTurn("assistant", [new TextPart("A star.")]), new ChatTurn("user", [new TextPart("And where is it?")]));
        // Behind the turn's text the first prompt has the answer's heading only.
        await Same(followUp, first.Prefill.PromptTokens - "ASSISTANT: ".Length);
        // Asked again, everything is known but the last rows; what the short second turn added was not worth a copy.
        await Same(Request(), first.Prefill.PromptTokens - 2);
        await Same(followUp, first.Prefill.PromptTokens - "ASSISTANT: ".Length);

        async Task Same(VisionRequest request, int cached)
        {
            var (expected, actual) = (await Ask(fresh, request), await Ask(engine, request));
            Assert.Equal(expected.TokenIds, actual.TokenIds);
            Assert.Equal(expected.Prefill.Images[0].Kept, actual.Prefill.Images[0].Kept);
            Assert.Equal(PrefixReuse.Exact, actual.Prefill.Reused);
            Assert.InRange(actual.Prefill.CachedTokens, cached, actual.Prefill.PromptTokens - 1);
        }
    }

    [Fact]
    public async Task AnotherImageBehindTheSameText_IsJudgedByItself()
    {
        await using var engine = await Load(false, 1, 64L << 20, ModelPrecision.Float32);
        await using var fresh = await Load(false, 1, 0, ModelPrecision.Float32);
        var text = new string('x', 40);
        foreach (var image in Images)
        {
            var request = new VisionRequest
            {
                Turns = [new ChatTurn("user", [new TextPart(text), new ImagePart(image), new TextPart("What is this?")])],
                Generation = new GenerationSettings { MaxNewTokens = 3, IgnoreModelDefaults = true },
                Pruning = new PruningSettings { Prior = "uniform" },
            };
            Assert.Equal((await Ask(fresh, request)).Prefill.Images[0].Kept, (await Ask(engine, request)).Prefill.Images[0].Kept);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void APrunedPromptBehindAKnownText_TakesTheMemoryOfAFreshOne(bool evict)
    {
        using var known = Executor(64L << 20);
        using var fresh = Executor(0);
        Read(known, Images[0]).Dispose();
        using var reused = Read(known, Images[1]);
        using var expected = Read(fresh, Images[1]);
        Assert.InRange(reused.Summary!.CachedTokens, PrefixCache.LeastTokens, reused.Prepared.Prompt.VisualPositions[0][0]);
        Assert.Equal(expected.Cache!.CapacityBytes, reused.Cache!.CapacityBytes);

        Sequence Read(IExecutor executor, byte[] image)
        {
            var sequence = new Sequence(executor.Prepare(new VisionRequest
            {
                Turns = [new ChatTurn("user", [new TextPart(new string('x', 40)), new ImagePart(image), new TextPart("What is this?")])],
                Generation = new GenerationSettings { MaxNewTokens = 3, IgnoreModelDefaults = true },
                Pruning = new PruningSettings { Prior = "uniform", Budget = TokenBudget.OfTokens(8), EvictEarlyKv = evict },
            }, default), default, default);
            executor.Prefill(sequence, () => { }, []);
            return sequence;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ALongAnswer_TakesNoMoreMemoryThanWasSetAside(bool prune)
    {
        const int Answer = 300; // more than room is made for at first
        using var executor = Executor(0);
        var prepared = executor.Prepare(new VisionRequest
        {
            Turns = [new ChatTurn("user", [new ImagePart(Images[0]), new TextPart("What is this?")])],
            Generation = new GenerationSettings { MaxNewTokens = Answer, IgnoreModelDefaults = true },
            Pruning = prune ? new PruningSettings { Prior = "uniform", Budget = TokenBudget.OfTokens(8) } : null,
        }, default);
        var endless = prepared with { Generation = prepared.Generation with { StopIds = new HashSet<int>() } };
        using var sequence = new Sequence(endless, default, default);
        executor.Prefill(sequence, () => { }, []);
        while (sequence.Accept())
        {
            executor.Decode([sequence]);
            Assert.InRange(sequence.Cache!.CapacityBytes, 1, sequence.KvBytes);
        }

        Assert.Equal(Answer, sequence.Answer!.Ids.Count);
    }

    private static IExecutor Executor(long prefixes) => ModelExecutor.Load(new VisionModelOptions
    {
        ModelPath = Path.Combine(Fixture, "model"), Device = "cpu", Precision = ModelPrecision.Float32, PrefixCacheBytes = prefixes,
    }, null, NullLoggerFactory.Instance, default);

    [Fact]
    public async Task AFrozenFollowUp_KeepsTheFirstQuestionsTokens_AndNamesItsTurn()
    {
        await using var engine = await Load(false, 4, 64L << 20, ModelPrecision.Float32);
        var pruning = new PruningSettings { Prior = "uniform" };
        var turns = new List<ChatTurn> { new("user", [new ImagePart(Images[0]), new TextPart("What is this?")]) };
        VisionRequest Request(PrefixReuse reuse) =>
            new() { Turns = [.. turns], Generation = new GenerationSettings { MaxNewTokens = 4, IgnoreModelDefaults = true },
                Pruning = pruning, PrefixReuse = reuse };
        var first = await Ask(engine, Request(PrefixReuse.Frozen));
        turns.Add(new ChatTurn("assistant", [new TextPart(first.Text)]));
        turns.Add(new ChatTurn("user", [new TextPart("And where is it?")]));
        var second = await Ask(engine, Request(PrefixReuse.Frozen));
        Assert.Equal((PrefixReuse.Frozen, 0), (second.Prefill.Reused, second.Prefill.ReusedTurn));
        Assert.Equal(first.Prefill.Images[0].Kept, second.Prefill.Images[0].Kept);
        Assert.True(second.Prefill.PromptTokensKept < second.Prefill.PromptTokens);
        Assert.Equal(PrefixReuse.Exact, (await Ask(engine, Request(PrefixReuse.Exact))).Prefill.Reused);
        // A new image is not among the chosen tokens: nothing frozen fits.
        turns[^1] = new ChatTurn("user", [new ImagePart(Images[^1]), new TextPart("And this?")]);
        Assert.NotEqual(PrefixReuse.Frozen, (await Ask(engine, Request(PrefixReuse.Frozen))).Prefill.Reused);
    }

    [Fact]
    public async Task ThreadsBelongToTheProcess_AnotherNumberIsRefusedWhileAModelLives()
    {
        VisionModelOptions Options(int? threads) => new() { ModelPath = Path.Combine(Fixture, "model"), Device = "cpu", Threads = threads };
        var before = get_num_threads();
        await using (await VisionLanguageEngine.LoadAsync(Options(before)))
        {
            var e = await Assert.ThrowsAsync<ArgumentException>(() => VisionLanguageEngine.LoadAsync(Options(before + 1)));
            Assert.Contains($"{before + 1}", e.Message);
            await using var same = await VisionLanguageEngine.LoadAsync(Options(before));
            await using var none = await VisionLanguageEngine.LoadAsync(Options(null));
        }

        await using (await VisionLanguageEngine.LoadAsync(Options(1))) Assert.Equal(1, OfANewThread());
        set_num_threads(before);

        // A thread that libtorch has seen keeps the number that it saw first.
        static int OfANewThread()
        {
            var number = 0;
            var thread = new Thread(() => number = get_num_threads());
            thread.Start();
            thread.Join();
            return number;
        }
    }

    [Fact]
    public async Task WaitingImages_ShareARunOfTheTower_AndAnswerTheSame()
    {
        VisionModelOptions Options(int batch) => new()
        {
            ModelPath = Path.Combine(Fixture, "model"), Device = "cpu", Precision = ModelPrecision.Float32, VisionBatch = batch,
                VisionCacheBytes = 0, PrefixCacheBytes = 0,
        };
        await using var alone = await VisionLanguageEngine.LoadAsync(Options(1));
        await using var batched = await VisionLanguageEngine.LoadAsync(Options(4));
        var requests = Requests(30, 2).Where(r => r.Turns[0].Parts.Count > 1).ToArray();
        var expected = new List<GenerationResult>();
        foreach (var r in requests) expected.Add(await Ask(alone, r));
        var actual = await Task.WhenAll(requests.Select(r => Ask(batched, r)));
        for (var i = 0; i < requests.Length; i++) Assert.Equal(expected[i].TokenIds, actual[i].TokenIds);
    }

    [Fact]
    public void ARunWithoutClsAttention_TakesNoImageThatNeedsIt()
    {
        VisionRequest[] requests = [.. Images.Take(6).Select((image, i) => new VisionRequest
        {
            Turns = [new ChatTurn("user", [new ImagePart(image), new TextPart("What is this?")])],
            Generation = new GenerationSettings { MaxNewTokens = 4, IgnoreModelDefaults = true },
            Pruning = i % 2 == 0 ? null : new PruningSettings { Method = "fastervlm" },
        })];
        Assert.Equal(Answers(1), Answers(4));

        string[] Answers(int batch)
        {
            using var executor = ModelExecutor.Load(new VisionModelOptions
            {
                ModelPath = Path.Combine(Fixture, "model"), Device = "cpu", Precision = ModelPrecision.Float32, VisionBatch = batch,
                    VisionCacheBytes = 0, PrefixCacheBytes = 0,
            }, null, NullLoggerFactory.Instance, default);
            Sequence[] sequences = [.. requests.Select(r => new Sequence(executor.Prepare(r, default), default, default))];
            for (var i = 0; i < sequences.Length; i++)
            {
                executor.Prefill(sequences[i], () => { }, sequences[(i + 1)..]);
                while (sequences[i].Accept()) executor.Decode([sequences[i]]);
            }

            string[] answers = [.. sequences.Select(s => string.Join(' ', s.Answer!.Ids))];
            foreach (var s in sequences) s.Dispose();
            return answers;
        }
    }

    /// <summary>Their layers hold different tokens: no later question can begin with them.</summary>
    [Theory]
    [InlineData(PrefixReuse.Frozen, false)]
    [InlineData(PrefixReuse.Grow, true)]
    public async Task AFollowUpToAnAnswerOfSeveralStages_IsTheFreshOne(PrefixReuse reuse, bool evict)
    {
        await using var engine = await Load(false, 1, 64L << 20, ModelPrecision.Float32);
        await using var fresh = await Load(false, 1, 0, ModelPrecision.Float32);
        VisionRequest Request(int tokens, params ChatTurn[] further) => new()
        {
            Turns = [new ChatTurn("user", [new ImagePart(Images[0]), new TextPart("What is this?")]), .. further],
            Generation = new GenerationSettings { MaxNewTokens = tokens, IgnoreModelDefaults = true },
            Pruning = new PruningSettings { Method = "pyramiddrop", Budget = TokenBudget.OfTokens(12), EvictEarlyKv = evict },
            PrefixReuse = reuse,
        };
        await Ask(engine, Request(256)); // leaves much room behind what is held
        var followUp = Request(
            4, new ChatTurn("assistant", [new TextPart("A star.")]), new ChatTurn("user", [new TextPart("And where is it?")]));
        var second = await Ask(engine, followUp);
        Assert.NotEqual(reuse, second.Prefill.Reused);
        Assert.Equal((await Ask(fresh, followUp)).TokenIds, second.TokenIds);
    }

    [Fact]
    public async Task GrownAnswers_AddToTheFirstQuestionsTokens()
    {
        await using var engine = await Load(false, 4, 64L << 20, ModelPrecision.Float32);
        VisionRequest Question(string text, PrefixReuse reuse) => new()
        {
            Turns = [new ChatTurn("user", [new ImagePart(Images[0]), new TextPart(text)])],
            Generation = new GenerationSettings { MaxNewTokens = 4, IgnoreModelDefaults = true },
            Pruning = new PruningSettings { Prior = "uniform", Budget = TokenBudget.OfTokens(8) },
            PrefixReuse = reuse,
        };
        var first = await Ask(engine, Question("What is this?", PrefixReuse.Grow));
        var fresh = await Ask(engine, Question("Where is the star, please?", PrefixReuse.Off));
        var grown = await Ask(engine, Question("Where is the star, please?", PrefixReuse.Grow));
        Assert.Equal(PrefixReuse.Grow, grown.Prefill.Reused);
        Assert.Equal(fresh.Prefill.Images[0].Kept, grown.Prefill.Images[0].Kept);
        var both = first.Prefill.Images[0].Kept.Union(grown.Prefill.Images[0].Kept).Count();
        Assert.Equal(grown.Prefill.PromptTokens - 36 + both, grown.Prefill.PromptTokensKept);
        // Where both questions keep everything, growing is reusing.
        var all = Question("Where is the star, please?",
            PrefixReuse.Grow) with { Pruning = new PruningSettings { Prior = "uniform", Budget = TokenBudget.OfRatio(1) } };
        Assert.Equal((await Ask(engine, all with { PrefixReuse = PrefixReuse.Off })).TokenIds, (await Ask(engine, all)).TokenIds);
    }

    /// <summary>Beside their own tokens they hold the earlier question's.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void KvEstimate_CoversAGrownAnswer(bool evict)
    {
        const int Answer = 4;
        const int Budget = 8;
        using var executor = ModelExecutor.Load(new VisionModelOptions
        {
            ModelPath = Path.Combine(Fixture, "model"), Device = "cpu", Precision = ModelPrecision.Float32, PrefixCacheBytes = 64L << 20,
        }, null, NullLoggerFactory.Instance, default);
        using var first = Answered("What is this?");
        executor.Keep(first);
        using var grown = Answered("Where is the star, please?");
        Assert.Equal(PrefixReuse.Grow, grown.Summary!.Reused);
        Assert.InRange(grown.Cache!.Bytes, 1, grown.KvBytes);
        var (layers, k, n) = (executor.Model.DecoderLayers, grown.Prepared.Pruning!.FullLayers, grown.Summary.PromptTokens);
        var kept = n - grown.Prepared.Prompt.Layouts[0].Count + 2 * Budget;
        var end = k * ((evict ? kept : n) + Answer) + (layers - k) * (kept + Answer);
        Assert.Equal(executor.Model.KvBytesPerToken / layers * Math.Max(k * n, end), grown.KvBytes);

        Sequence Answered(string text)
        {
            var request = new VisionRequest
            {
                Turns = [new ChatTurn("user", [new ImagePart(Images[0]), new TextPart(text)])],
                Generation = new GenerationSettings { MaxNewTokens = Answer, IgnoreModelDefaults = true },
                Pruning = new PruningSettings { Prior = "uniform", Budget = TokenBudget.OfTokens(Budget), EvictEarlyKv = evict },
                PrefixReuse = PrefixReuse.Grow,
            };
            var sequence = new Sequence(executor.Prepare(request, default), default, default);
            executor.Prefill(sequence, () => { }, []);
            while (sequence.Accept()) executor.Decode([sequence]);
            return sequence;
        }
    }

    [Theory]
    [InlineData("pyramiddrop", true)]
    [InlineData("pyramiddrop", false)]
    [InlineData("d2pruner", true)]
    [InlineData("d2pruner", false)]
    public void KvEstimate_CoversEveryPrunePoint_AndTheAnswersEnd(string method, bool evict)
    {
        const int Answer = 4;
        using var executor = ModelExecutor.Load(new VisionModelOptions
        {
            ModelPath = Path.Combine(Fixture, "model"), Device = "cpu", Precision = ModelPrecision.Float32, PrefixCacheBytes = 0,
        }, null, NullLoggerFactory.Instance, default);
        // Many images and little text: more stands before the second stage than at the end.
        var request = new VisionRequest
        {
            Turns = [new ChatTurn("user", [.. Images.Take(8).Select(i => new ImagePart(i)), new TextPart("?")])],
            Generation = new GenerationSettings { MaxNewTokens = Answer, IgnoreModelDefaults = true },
            Pruning = new PruningSettings
                { Method = method, Budget = TokenBudget.OfTokens(60), EvictEarlyKv = evict, Prior = "uniform" },
        };
        var trace = new ForwardTrace { RecordHidden = true };
        using var sequence = new Sequence(executor.Prepare(request, default), default, default) { Trace = trace };
        executor.Prefill(sequence, () => { }, []);

        var layers = executor.Model.DecoderLayers;
        var perLayer = executor.Model.KvBytesPerToken / layers;
        var width = trace.Hidden[0].Length / sequence.Prepared.Prompt.Length;
        long[] through = [.. Enumerable.Range(1, layers).Select(i => (long)(trace.Hidden[i].Length / width))]; // tokens of each layer
        for (var i = 0; i < layers; i++)
        {
            var held = evict ? (i + 1) * through[i] : through.Take(i + 1).Sum();
            Assert.InRange(perLayer * held, 1, sequence.KvBytes);
        }

        while (sequence.Accept()) executor.Decode([sequence]);
        Assert.InRange(sequence.Cache!.Bytes, 1, sequence.KvBytes);
        if (method != "d2pruner") return;
        // Of one stage: the larger of what stands at it and at the end.
        var (n, kept, k) = (sequence.Summary!.PromptTokens, sequence.Summary.PromptTokensKept, sequence.Prepared.Pruning!.FullLayers);
        var end = k * ((evict ? kept : n) + Answer) + (layers - k) * (kept + Answer);
        Assert.Equal(perLayer * Math.Max(k * n, end), sequence.KvBytes);
    }

    [Fact]
    public async Task KvBudget_BoundsWhatRuns_AndRefusesWhatCanNeverFit()
    {
        var model = new VisionModelOptions { ModelPath = Path.Combine(Fixture, "model"), Device = "cpu", Precision = ModelPrecision.Float32,
            MaxKvBytes = 1 };
        await using var tiny = await VisionLanguageEngine.LoadAsync(model);
        var e = await Assert.ThrowsAsync<RequestTooLargeException>(() => Ask(tiny, Requests(1, 1)[0]));
        Assert.Contains("MaxKvBytes", e.Message);
    }
}
