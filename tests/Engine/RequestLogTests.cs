using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Engine;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Xunit;

namespace D2Pruner.AI.Tests.Engine;

/// <summary>A request that fails by its own input is its caller's matter: no warning, no stack trace. A fault of the
/// engine's is both.</summary>
[Collection(TorchCollection.Name)]
public sealed class RequestLogTests
{
    [Fact]
    public async Task OnTheEnginesThread_TheKindDecides()
    {
        foreach (var (thrown, warns) in new (Exception, bool)[]
        {
            (new PromptException("too long", VisionErrorKind.TooLarge), false), (new ArgumentException("out of range"), false),
            (new NotSupportedException("no tools"), false), (new OperationCanceledException(), false),
            (new InvalidOperationException("a defect"), true), (new IOException("a disk"), true),
        })
        {
            var log = new CollectingLogger();
            await using (var engine = await VisionLanguageEngine.StartAsync(
                _ => new ScriptedExecutor { Started = _ => throw thrown }, new EngineLimits(), log, default))
                await Assert.ThrowsAsync(thrown.GetType(), () => VisionLanguageEngineTests.All(engine, "a"));
            var loud = log.Entries.Where(e => e.Level >= LogLevel.Warning || e.Error is not null).ToArray();
            if (warns) Assert.Same(thrown, Assert.Single(loud).Error);
            else Assert.True(loud.Length == 0, $"{thrown.GetType().Name}: {string.Join("; ", loud)}");
        }
    }

    [Fact]
    public async Task ThroughTheClient_NothingOfACallersMistakeIsLoud()
    {
        var folder = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");
        var log = new CollectingLogger();
        await using var engine = await VisionLanguageEngine.LoadAsync(
            new VisionModelOptions { ModelPath = Path.Combine(folder, "model"), Device = "cpu" }, null, log);
        using var client = new D2PrunerChatClient(engine, loggerFactory: log);
        var before = log.Entries.Count(IsLoud); // what loading says is not looked at
        var image = File.ReadAllBytes(Path.Combine(folder, "images", "p0.png"));
        foreach (var (messages, options, kind) in new (ChatMessage[], ChatOptions?, VisionErrorKind)[]
        {
            ([], null, VisionErrorKind.InvalidRequest),
            ([Message(image[..100])], null, VisionErrorKind.InvalidRequest),
            ([Message([1, 2, 3])], null, VisionErrorKind.InvalidRequest),
            ([new ChatMessage(ChatRole.User, new string('x', 4000))], null, VisionErrorKind.TooLarge),
            ([Message(image)], new ChatOptions { Temperature = float.NaN }, VisionErrorKind.InvalidRequest),
            ([Message(image)], With("d2pruner.layer", 99), VisionErrorKind.InvalidRequest),
            ([Message(image)], With("d2pruner.prior", "/etc/passwd"), VisionErrorKind.InvalidRequest),
            ([Message(image)], new ChatOptions { ModelId = "another" }, VisionErrorKind.InvalidRequest),
        })
        {
            var e = await Assert.ThrowsAnyAsync<Exception>(() => client.GetResponseAsync(messages, options));
            Assert.Equal(kind, e.GetVisionErrorKind());
        }

        Assert.True(log.Entries.Count(IsLoud) == before, string.Join("; ", log.Entries.Where(IsLoud)));
        Assert.NotEmpty((await client.GetResponseAsync([Message(image)], new ChatOptions { MaxOutputTokens = 2 })).Messages);

        static bool IsLoud((LogLevel Level, string Text, Exception? Error) e) => e.Level >= LogLevel.Warning || e.Error is not null;
    }

    private static ChatMessage Message(byte[] image) =>
        new(ChatRole.User, [new DataContent(image, "image/png"), new TextContent("What is this?")]);

    private static ChatOptions With(string key, object value) => new() { AdditionalProperties = new() { [key] = value } };
}
