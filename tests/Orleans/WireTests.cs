using System.Text.Json;
using D2Pruner.AI.Orleans;
using D2Pruner.AI.Orleans.Wire;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation.Constraints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>What travels comes out as it went in.</summary>
public sealed class WireTests(OneWorker one) : IClassFixture<OneWorker>
{
    public static TheoryData<string> Requests => [.. Asked().Keys];

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task ARequest_ReachesTheEngine_AsInAProcessOfItsOwn(string name)
    {
        var (messages, options) = Asked()[name];
        var here = new EchoEngine();
        using var local = new D2PrunerChatClient(here);
        var expected = await local.GetResponseAsync(messages, options);
        var actual = await one.Workers.Client.GetResponseAsync(messages, options);
        Same(Assert.Single(here.Requests), one.Engine.Requests[^1]);
        actual.Messages[^1].AdditionalProperties!.Remove("d2pruner.fingerprint");
        actual.Messages[^1].AdditionalProperties!.Remove("d2pruner.cluster_model");
        Assert.Equal(Plain(expected), Plain(actual));
        Assert.Equal(JsonSerializer.Serialize((GenerationResult)expected.RawRepresentation!, WireJson.Options),
            JsonSerializer.Serialize((GenerationResult)actual.RawRepresentation!, WireJson.Options));
    }

    [Fact]
    public void EverySetting_SurvivesExactly()
    {
        var pruning = new PruningSettings
        {
            Preset = PruningPreset.Localization, Method = "x", LayersBeforePruning = 3, LayersAreExplicit = true,
            Budget = TokenBudget.OfRatio(1.0 / 3), Parameters = PrunerValues.Empty.With("theta", 0.1 + 0.2).With("rule", "R2"),
            EvictEarlyKv = false, Prior = "p",
        };
        Assert.Equal(pruning, Again(pruning));
        var tokens = new PruningSettings { Budget = TokenBudget.OfTokens(77) };
        Assert.Equal(tokens, Again(tokens));
        var generation = new GenerationSettings
        {
            MaxNewTokens = 7, Temperature = 0.1 + 0.2, TopP = 1e-300, TopK = 3, Seed = long.MinValue, RepetitionPenalty = 1.1,
            FrequencyPenalty = -0.5, PresencePenalty = 0.7, StopSequences = ["\u0000", "\ud83d\ude00", "\"<>&"], IgnoreModelDefaults = true,
        };
        var again = Again(generation);
        Assert.Equal(generation.StopSequences, again.StopSequences);
        Assert.Equal(generation with { StopSequences = [] }, again with { StopSequences = [] });
    }

    [Fact]
    public void AResult_SurvivesExactly()
    {
        var image = new ImagePruning
        {
            ImageIndex = 0, VisualTokens = 4, Kept = [0, 3], Width = 200, Height = 100,
            Layout = new VisualTokenLayout([new GridComponent("a", 1, 2, [4, 5]), new GridComponent("b", 2, 1, [7, 8])], [6]),
            Map = new CoordinateMap(200, 100, CoordinateSpace.Thousand, new PixelFrame(0, -50, 200, 1.0 / 3),
                [new(0, 1, 2, 3), new(4, 5, 6, 7)]),
            Statistics = new SelectionStatistics { Pivots = 1, Fill = 2, Edges = 1L << 40, MinSimilarity = -0.1, MaxSimilarity = double.NaN,
                Scores = [0.1f, float.PositiveInfinity, 1e-40f, -0f], GraphTime = TimeSpan.FromTicks(12345),
                SelectTime = TimeSpan.FromTicks(7) },
            Attention = [0.25f, 1f / 3], PriorMap = [float.Epsilon],
        };
        var result = new GenerationResult
        {
            Text = "\ud83d\ude00\u2028<", TokenIds = [0, int.MaxValue], FinishReason = GenerationFinishReason.Length,
            DecodeTime = TimeSpan.FromTicks(987654321),
            Prefill = new PrefillSummary
            {
                PromptTokens = 9, PromptTokensKept = 8, CachedTokens = 7, Reused = PrefixReuse.Exact, ReusedTurn = 0, Images = [image],
                Pruning = new PruningSettings(), Prior = "uniform", KvBytes = long.MaxValue, KvBytesUnpruned = 1,
                QueueTime = TimeSpan.FromTicks(1), PreprocessTime = TimeSpan.FromTicks(2), VisionTime = TimeSpan.FromTicks(3),
                PrefillTime = TimeSpan.FromTicks(4), PruneTime = TimeSpan.FromTicks(5),
            },
        };
        var again = Again(result);
        Assert.Equal(WireJson.Write(result), WireJson.Write(again));
        var found = again.Prefill.Images[0];
        Assert.Equal(image.Layout.Positions, found.Layout.Positions);
        Assert.Equal(image.Layout.Separators, found.Layout.Separators);
        Assert.Equal(image.Map.Cell(1, 1, 0), found.Map.Cell(1, 1, 0));
        Assert.Equal(image.Statistics.Scores, found.Statistics.Scores);
        Assert.Equal((result.Text, result.FinishReason, result.DecodeTime), (again.Text, again.FinishReason, again.DecodeTime));
        Assert.Equal(result.Prefill.Pruning, again.Prefill.Pruning);
        Assert.Equal((PrefixReuse?)PrefixReuse.Exact, again.Prefill.Reused);
    }

    public static TheoryData<Exception> Errors =>
    [
        new ArgumentException("wrong"), new ArgumentException("wrong", "name"), new ArgumentNullException("name", "missing"),
        new ArgumentOutOfRangeException("name", "out"), new RequestTooLargeException("large", "messages"),
        new ImageDecodeException("damaged"), new ImageDecodeException("large", kind: VisionErrorKind.TooLarge),
        new PromptException("long", VisionErrorKind.TooLarge), new PromptException("placeholder"), new ConstraintException("no"),
        new NotSupportedException("cannot"), new EngineBusyException(7), new EngineBusyException(7, TimeSpan.FromSeconds(3)),
        new EngineUnavailableException("stopping"), new EngineOutOfMemoryException(new OutOfMemoryException("cuda")),
    ];

    [Theory]
    [MemberData(nameof(Errors))]
    public void AnError_KeepsTypeMessageAndKind(Exception error)
    {
        var again = Again(ErrorForm.Of(error)).ToException();
        Assert.Equal(error.GetType(), again.GetType());
        Assert.Equal(error.Message, again.Message);
        Assert.Equal(error.GetVisionErrorKind(), again.GetVisionErrorKind());
        Assert.Equal((error as ArgumentException)?.ParamName, (again as ArgumentException)?.ParamName);
        Assert.Equal((error as EngineBusyException)?.Capacity, (again as EngineBusyException)?.Capacity);
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException), VisionErrorKind.Internal)]
    [InlineData(typeof(IOException), VisionErrorKind.Unavailable)]
    [InlineData(typeof(OperationCanceledException), VisionErrorKind.Unavailable)]
    public async Task AnErrorOfAWorker_ReachesItsCaller(Type type, VisionErrorKind kind)
    {
        var error = (Exception)Activator.CreateInstance(type, "it broke")!;
        one.Engine.Failure = error;
        try
        {
            var remote = await Assert.ThrowsAsync<RemoteWorkerException>(() => one.Workers.Client.GetResponseAsync("question"));
            Assert.Equal((type.FullName, "it broke", kind), (remote.RemoteType, remote.Message, remote.Kind));
            one.Engine.Failure = new PromptException("too long", VisionErrorKind.TooLarge);
            var prompt = await Assert.ThrowsAsync<PromptException>(() => one.Workers.Client.GetResponseAsync("question"));
            Assert.Equal("too long", prompt.Message);
        }
        finally
        {
            one.Engine.Failure = null;
        }
    }

    [Fact]
    public void WhatOrleansCarries_SurvivesIt()
    {
        var services = new ServiceCollection().AddSerializer(s => s.AddAssembly(typeof(AnswerRequest).Assembly)).BuildServiceProvider();
        var request = new AnswerRequest("{}", ["a", "b"], [null, [1, 2]], 3);
        var again = Through(request);
        Assert.Equal((request.Json, request.Hops), (again.Json, again.Hops));
        Assert.Equal(request.Images, again.Images);
        Assert.Equal(request.Bytes, again.Bytes);
        var said = new AnswerEvent(AnswerEventKind.Declined, "text", "worker", 7);
        Assert.Equal(said, Through(said));
        var silo = global::Orleans.Runtime.SiloAddress.New(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 5), 6);
        var model = new ModelReport("m", "f", "{}", 1, 2, 3, 0.5, [ulong.MaxValue]);
        var changes = new BoardChanges(new BoardMark(Guid.NewGuid(), 4), true, [new WorkerReport(silo, true, [model])], [silo]);
        Assert.Equal(JsonSerializer.Serialize(changes.Reports[0].Models), JsonSerializer.Serialize(Through(changes).Reports[0].Models));
        Assert.Equal((changes.Now, changes.Whole), (Through(changes).Now, Through(changes).Whole));
        Assert.Equal(changes.Members, Through(changes).Members);
        T Through<T>(T value) => services.GetRequiredService<Serializer<T>>().Deserialize(
            services.GetRequiredService<Serializer<T>>().SerializeToArray(value))!;
    }

    // Everything that ClientSuite sends, and what else a request may hold.
    private static Dictionary<string, (IList<ChatMessage> Messages, ChatOptions? Options)> Asked()
    {
        var question = new ChatMessage(ChatRole.User, [new DataContent(TinyPng.Bytes, "image/png"), new TextContent("What is this?")]);
        var schema = JsonDocument.Parse(
            """{ "type":"object",  "properties": {"b": {"type":"integer"}, "a": {"type":"string"}}, "required":["b"] }""");
        var tool = AIFunctionFactory.Create((string city, int? days) => city, "weather", "Tells the weather.");
        return new()
        {
            ["text"] = ([new(ChatRole.User, "What's the biggest animal? \ud83d\udc0b \"\u2028")], null),
            ["image"] = ([question], new ChatOptions { MaxOutputTokens = 4 }),
            ["empty messages"] = (
                [new(ChatRole.System, []), new(ChatRole.User, []), new(ChatRole.Assistant, []), new(ChatRole.User, "What is 1 + 2?")],
                null),
            ["turns"] = ([question, new(ChatRole.Assistant, "A cat."), new(ChatRole.User, "And its colour?")], null),
            ["sampling"] = ([question], new ChatOptions
            {
                Temperature = 0.7f, TopP = 0.9f, TopK = 5, Seed = 42, FrequencyPenalty = 0.1f, PresencePenalty = -0.2f,
                StopSequences = ["zzz"], Instructions = "Be brief.", MaxOutputTokens = 9,
            }),
            ["pruning"] = ([question], new ChatOptions().WithPruning(PruningPreset.Localization, 0.3)),
            ["overrides"] = ([question], new ChatOptions().WithPruning(new VisualPruningOptions
                { KeepTokens = 2, Alpha = 0.3, Theta = 0.9, LayersBeforePruning = 3, EvictEarlyKv = false, Rule = PivotRule.R2 })),
            ["properties"] = ([question], new ChatOptions { AdditionalProperties = new()
                { ["d2pruner.keep_ratio"] = 0.25f, ["d2pruner.repetition_penalty"] = "1.25", ["d2pruner.include_scores"] = true,
                  ["d2pruner.reuse"] = "frozen" } }),
            ["not pruned"] = ([question], new ChatOptions().WithoutPruning()),
            ["image budgets"] = ([new(ChatRole.User, [new DataContent(TinyPng.Bytes, "image/png").KeepVisualTokens(0.5),
                new DataContent(TinyPng.Draw(SkiaSharp.SKColors.Blue), "image/png"), new TextContent("Compare.")])], null),
            ["typed settings"] = ([question], new ChatOptions { RawRepresentationFactory = _ => new VisionGenerationSettings
                { Preset = PruningPreset.Understanding, Seed = 3, IncludeScores = true, IgnoreModelDefaults = true } }),
            ["json"] = ([question], new ChatOptions { ResponseFormat = ChatResponseFormat.Json }),
            ["schema"] = ([question], new ChatOptions
                { ResponseFormat = ChatResponseFormat.ForJsonSchema(schema.RootElement, "thing", "A thing.") }),
            ["tools"] = ([new(ChatRole.User, "Weather?")], new ChatOptions { Tools = [tool], AllowMultipleToolCalls = false }),
            ["tool required"] = ([new(ChatRole.User, "Weather?")], new ChatOptions
                { Tools = [tool], ToolMode = ChatToolMode.RequireSpecific("weather") }),
            ["tool results"] = ([new(ChatRole.User, "Weather?"),
                new(ChatRole.Assistant,
                    [new FunctionCallContent("1", "weather", new Dictionary<string, object?> { ["city"] = "Bonn", ["days"] = 2 })]),
                new(ChatRole.Tool, [new FunctionResultContent("1", "Rain.")])], new ChatOptions { Tools = [tool] }),
        };
    }

    private static void Same(VisionRequest expected, VisionRequest actual)
    {
        Dictionary<string, ReadOnlyMemory<byte>> before = [], after = [];
        Assert.Equal(WireJson.Write(RequestForm.Of(expected, before)), WireJson.Write(RequestForm.Of(actual, after)));
        Assert.Equal(before.Keys, after.Keys);
        Assert.All(before, i => Assert.Equal(i.Value.ToArray(), after[i.Key].ToArray()));
        Assert.Equal(expected.Generation.Grammar?.Key, actual.Generation.Grammar?.Key);
        Assert.Equal(expected.Generation.Grammar?.Relaxed ?? [], actual.Generation.Grammar?.Relaxed ?? []);
        Assert.Equal(expected.Pruning, actual.Pruning);
        Assert.Equal(
            expected.Turns.SelectMany(t => t.Parts.Select(p => p.GetType())),
            actual.Turns.SelectMany(t => t.Parts.Select(p => p.GetType())));
        Assert.Equal(expected.Pruners.Names, actual.Pruners.Names);
    }

    // Without what differs between any two answers.
    private static string Plain(ChatResponse response)
    {
        response.ResponseId = response.Messages[^1].MessageId = response.ModelId = null;
        response.CreatedAt = response.Messages[^1].CreatedAt = null;
        return JsonSerializer.Serialize(response, AIJsonUtilities.DefaultOptions);
    }

    private static T Again<T>(T value) => WireJson.Read<T>(WireJson.Write(value));
}
