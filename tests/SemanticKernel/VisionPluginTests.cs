using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Tests.Provider;
using Microsoft.SemanticKernel;
using Xunit;

namespace D2Pruner.AI.Tests.SemanticKernel;

public sealed class VisionPluginTests
{
    private readonly VisionImages images = new();

    private static (VisionPlugin Plugin, ScriptedEngine Engine) Create(VisionImages images, IReadOnlyList<string>? pieces = null, VisionPluginOptions? options = null)
    {
        var engine = pieces is null ? new ScriptedEngine() : new ScriptedEngine { Pieces = pieces };
        return (new VisionPlugin(new D2PrunerChatClient(engine), images, options), engine);
    }

    private static byte[][] Seen(VisionRequest request) => [.. request.Turns.SelectMany(t => t.Parts).OfType<ImagePart>().Select(p => p.Bytes.ToArray())];

    private static string Said(VisionRequest request) => string.Concat(request.Turns.SelectMany(t => t.Parts).OfType<TextPart>().Select(p => p.Text));

    [Fact]
    public void Functions_NameAndDescribeEverything()
    {
        var plugin = KernelPluginFactory.CreateFromObject(Create(images).Plugin, "Vision");
        Assert.Equal(["ask_image", "compare_images", "describe_image", "locate_objects"], plugin.Select(f => f.Name).Order());
        foreach (var function in plugin)
        {
            Assert.NotEmpty(function.Description);
            Assert.NotEmpty(function.Metadata.ReturnParameter.Description);
            Assert.All(function.Metadata.Parameters, p =>
            {
                Assert.NotEmpty(p.Description);
                Assert.Equal(typeof(string), p.ParameterType);
            });
            Assert.DoesNotContain(function.Metadata.Parameters, p => p.Name == "cancellationToken");
        }
    }

    [Fact]
    public async Task Describe_AsksAboutTheRegisteredPicture()
    {
        var picture = Pictures.Png(1);
        images.Add(picture, "street");
        var (plugin, engine) = Create(images, options: new VisionPluginOptions { MaxOutputTokens = 9 });
        Assert.Equal("""{"image":"street","answer":"It is a cat."}""", await plugin.DescribeImageAsync("street", "the animals"));
        Assert.Equal([picture], Seen(engine.Last));
        Assert.Equal("Describe this image. Pay attention to: the animals", Said(engine.Last));
        Assert.Equal(9, engine.Last.Generation.MaxNewTokens);
    }

    [Fact]
    public async Task Compare_SendsBothPicturesInOrder()
    {
        var (a, b) = (Pictures.Png(1), Pictures.Png(2));
        images.Add(a, "before");
        images.Add(b, "after");
        var (plugin, engine) = Create(images);
        Assert.Equal("""{"images":["after","before"],"answer":"It is a cat."}""", await plugin.CompareImagesAsync("after", "before"));
        Assert.Equal([b, a], Seen(engine.Last));
        Assert.Equal(new VisionPluginOptions().ComparePrompt, Said(engine.Last));
    }

    [Fact]
    public async Task Locate_AsksForEachThing_AndGivesFractionsAndPixels()
    {
        images.Add(Pictures.Png(1), "p");
        var (plugin, engine) = Create(images, ["[0.25, 0.25,", " 0.5, 0.75]"]);
        using var json = JsonDocument.Parse(await plugin.LocateObjectsAsync("p", "the cat, the {0} dog"));
        Assert.Equal(2, engine.Requests.Count);
        Assert.EndsWith("describes: the {0} dog", Said(engine.Last));
        Assert.Equal(0.5, engine.Last.Pruning!.Budget.Ratio);
        Assert.Equal((200, 100), (json.RootElement.GetProperty("width").GetInt32(), json.RootElement.GetProperty("height").GetInt32()));
        var objects = json.RootElement.GetProperty("objects");
        Assert.Equal("the cat,the {0} dog", string.Join(",", objects.EnumerateArray().Select(o => o.GetProperty("label").GetString())));
        Assert.Equal("[0.25,0,0.5,1]", objects[0].GetProperty("box").GetRawText());
        Assert.Equal("[50,0,100,100]", objects[0].GetProperty("pixels").GetRawText());
        Assert.False(json.RootElement.TryGetProperty("not_found", out _));
    }

    [Fact]
    public async Task Locate_ListsWhatHasNoBox()
    {
        images.Add(Pictures.Png(1), "p");
        var (plugin, _) = Create(images, ["I can't tell"]);
        Assert.Equal("""{"image":"p","width":200,"height":100,"objects":[],"not_found":["the dog"]}""", await plugin.LocateObjectsAsync("p", " the dog ,"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" , ;")]
    [InlineData("a,b,c")]
    public async Task Locate_RefusesNothingAndTooMuch(string objects)
    {
        images.Add(Pictures.Png(1), "p");
        var (plugin, engine) = Create(images, options: new VisionPluginOptions { MaxObjects = 2 });
        Assert.StartsWith("""{"error":""", await plugin.LocateObjectsAsync("p", objects));
        Assert.Empty(engine.Requests);
    }

    [Fact]
    public async Task UnknownId_IsAnErrorThatNamesTheKnownOnes()
    {
        images.Add(Pictures.Png(1), "street");
        var (plugin, engine) = Create(images);
        foreach (var result in new[] { await plugin.AskImageAsync("strete", "What?"), await plugin.CompareImagesAsync("street", "strete"), await plugin.LocateObjectsAsync("strete", "x"), await plugin.DescribeImageAsync("strete") })
        {
            using var json = JsonDocument.Parse(result);
            Assert.Contains("Registered ids: street.", json.RootElement.GetProperty("error").GetString());
        }

        Assert.Contains("question is empty", await plugin.AskImageAsync("street", " "));
        Assert.Empty(engine.Requests);
    }

    [Fact]
    public async Task ACancelledCall_Cancels()
    {
        images.Add(Pictures.Png(1), "p");
        var engine = new ScriptedEngine { Delay = TimeSpan.FromSeconds(30) };
        var plugin = new VisionPlugin(new D2PrunerChatClient(engine), images);
        using var cancel = new CancellationTokenSource();
        var asking = plugin.AskImageAsync("p", "What?", cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
    }

    [Theory]
    [InlineData("Find it.", 12, null)]
    [InlineData("{0}", 0, null)]
    [InlineData("{0}", 12, 0)]
    [InlineData("", 12, null)]
    public void BadOptions_AreRefusedAtOnce(string locate, int objects, int? tokens) =>
        Assert.Throws<System.ComponentModel.DataAnnotations.ValidationException>(() =>
            Create(images, options: new VisionPluginOptions { LocatePrompt = locate, MaxObjects = objects, MaxOutputTokens = tokens }));
}
