using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>Two registrations never become one: each client has its own model and its own options. Nothing is loaded here.</summary>
public sealed class RegistrationTests
{
    private static string Folder(string name) => Path.Combine(FixtureFolders.Copies!, name, "model");

    private static string A => Folder("llava-1.5-a");

    private static string B => Folder("qwen2.5-vl-nested");

    private static string IdOf(IChatClient client) => client.GetService<ChatClientMetadata>()!.DefaultModelId!;

    private static readonly Lazy<(string A, string B)> Ids = new(() => (Only(A), Only(B)));

    private static string Only(string path)
    {
        using var provider = new ServiceCollection().Tap(s => s.AddD2PrunerChatClient(path)).BuildServiceProvider();
        return IdOf(provider.GetRequiredService<IChatClient>());
    }

    [Fact]
    public void TwoOneLiners_AreTwoClientsOverTwoModels()
    {
        var services = new ServiceCollection();
        services.AddD2PrunerChatClient(A, o => o.DefaultMaxOutputTokens = 1);
        services.AddD2PrunerChatClient(B, o => o.DefaultMaxOutputTokens = 2);
        using var provider = services.BuildServiceProvider();
        Assert.Equal([Ids.Value.A, Ids.Value.B], provider.GetServices<IChatClient>().Select(IdOf));
        Assert.Equal(Ids.Value.B, IdOf(provider.GetRequiredService<IChatClient>()));
        Assert.Equal([1, 2], Options(provider).Select(o => o.DefaultMaxOutputTokens));
        Assert.Equal(2, provider.GetServices<RegisteredModel>().Count());
    }

    [Fact]
    public void TwoOneLinersOfOnePath_ShareTheModel_WithOptionsOfTheirOwn()
    {
        var services = new ServiceCollection();
        services.AddD2PrunerChatClient(A, o => o.DefaultMaxOutputTokens = 1);
        services.AddD2PrunerChatClient(A, o => o.DefaultMaxOutputTokens = 2);
        using var provider = services.BuildServiceProvider();
        Assert.Equal([1, 2], Options(provider).Select(o => o.DefaultMaxOutputTokens));
        Assert.Single(provider.GetServices<RegisteredModel>());
    }

    [Theory]
    [InlineData(1, "1")]
    [InlineData("1", 1L)]
    [InlineData("", null)]
    [InlineData(null, "")]
    [InlineData("same", "same")]
    [InlineData(1, "1 (Int32)")]
    [InlineData("1 (Int32)", 1)]
    public void Keys_DoNotCollide(object? first, object? second)
    {
        var services = new ServiceCollection();
        services.AddD2PrunerModel("a", o => o.ModelPath = A).AddD2PrunerModel("b", o => o.ModelPath = B);
        Add(first, "a");
        Add(second, "b");
        using var provider = services.BuildServiceProvider();
        var clients = first?.Equals(second) == true ? [.. provider.GetKeyedServices<IChatClient>(first)]
            : new[] { Get(first), Get(second) };
        Assert.Equal([Ids.Value.A, Ids.Value.B], clients.Select(IdOf));

        void Add(object? key, string model)
        {
            if (key is null) services.AddD2PrunerChatClient(o => o.Model = model);
            else services.AddKeyedD2PrunerChatClient(key, o => o.Model = model);
        }

        IChatClient Get(object? key) => key is null ? provider.GetRequiredService<IChatClient>()
            : provider.GetRequiredKeyedService<IChatClient>(key);
    }

    [Fact]
    public void TwoModelsOfOneName_AreRefused()
    {
        var services = new ServiceCollection();
        services.AddD2PrunerModel("vision", o => o.ModelPath = A);
        var e = Assert.Throws<ArgumentException>(() => services.AddD2PrunerModel("vision", o => o.ModelPath = B));
        Assert.Contains("'vision'", e.Message, StringComparison.Ordinal);
        Assert.Contains("another name", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AOneLinerBesideAModelCalledDefault_HasAModelOfItsOwn()
    {
        var services = new ServiceCollection();
        services.AddD2PrunerModel("default", o => o.ModelPath = A);
        services.AddKeyedD2PrunerChatClient("a");
        services.AddD2PrunerChatClient(B);
        using var provider = services.BuildServiceProvider();
        Assert.Equal(Ids.Value.A, IdOf(provider.GetRequiredKeyedService<IChatClient>("a")));
        Assert.Equal(Ids.Value.B, IdOf(provider.GetRequiredService<IChatClient>()));
    }

    [Theory]
    [InlineData("Owner/Tiny-1B", "owner/tiny-1b", true)]
    [InlineData("Owner/Tiny-1B", "Owner/Tiny-1B@main", true)]
    [InlineData("Owner/Tiny-1B", "tiny-1b", true)]
    [InlineData("Owner/Tiny-1B", "Other/Tiny-1B", false)]
    [InlineData("Owner/Tiny-1B@v2", "Owner/Tiny-1B@v2", true)]
    [InlineData("Owner/Tiny-1B@v2", "Owner/Tiny-1B", true)]
    [InlineData("Owner/Tiny-1B@v2", "Owner/Tiny-1B@main", false)]
    public void AModel_IsCalledByItsHubId_Too(string path, string asked, bool known)
    {
        using var provider = new ServiceCollection().Tap(s => s.AddD2PrunerChatClient(path)).BuildServiceProvider();
        var client = provider.GetRequiredService<IChatClient>();
        // Told by the call itself; without an enumeration nothing is loaded.
        ChatMessage[] question = [new(ChatRole.User, "Hello?")];
        var error = Record.Exception(() => { _ = client.GetStreamingResponseAsync(question, new ChatOptions { ModelId = asked }); });
        Assert.Equal(known ? null : typeof(ModelMismatchException), error?.GetType());
    }

    [Fact]
    public void OptionsOfATextKey_AreNamedLikeIt()
    {
        var services = new ServiceCollection();
        services.AddD2PrunerChatClient(A);
        services.AddKeyedD2PrunerChatClient("vision");
        services.Configure<D2PrunerChatClientOptions>("vision", o => o.DefaultMaxOutputTokens = 7);
        services.Configure<D2PrunerChatClientOptions>(o => o.DefaultMaxOutputTokens = 5);
        using var provider = services.BuildServiceProvider();
        Assert.Equal([5, 7], Options(provider).Select(o => o.DefaultMaxOutputTokens));
    }

    private static IEnumerable<D2PrunerChatClientOptions> Options(IServiceProvider provider) =>
        provider.GetServices<RegisteredClient>()
            .Select(c => provider.GetRequiredService<IOptionsMonitor<D2PrunerChatClientOptions>>().Get(c.OptionsName));
}

file static class Taps
{
    public static T Tap<T>(this T value, Action<T> action)
    {
        action(value);
        return value;
    }
}
