using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>Every exception has a kind, and docs/errors.md says which.</summary>
public sealed class ErrorKindTests
{
    public static TheoryData<Exception, VisionErrorKind?> Kinds => new()
    {
        { new ArgumentOutOfRangeException("x"), VisionErrorKind.InvalidRequest },
        { new NotSupportedException(), VisionErrorKind.Unsupported },
        { new OperationCanceledException(), null },
        { new TaskCanceledException(), null },
        { new EngineBusyException(1), VisionErrorKind.Busy },
        { new EngineOutOfMemoryException(new OutOfMemoryException()), VisionErrorKind.TooLarge },
        { new EngineUnavailableException("stopping"), VisionErrorKind.Unavailable },
        { new ObjectDisposedException("engine"), VisionErrorKind.Unavailable },
        { new ImageDecodeException("damaged"), VisionErrorKind.InvalidRequest },
        { new ImageDecodeException("large", kind: VisionErrorKind.TooLarge), VisionErrorKind.TooLarge },
        { new AggregateException(new EngineBusyException(1)), VisionErrorKind.Busy },
        { new InvalidOperationException(), VisionErrorKind.Internal },
        { new NullReferenceException(), VisionErrorKind.Internal },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Kind_IsToldByTheException(Exception exception, VisionErrorKind? expected) =>
        Assert.Equal(expected, exception.GetVisionErrorKind());

    public static TheoryData<string> OwnExceptions => [.. Exceptions().Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(OwnExceptions))]
    public void OwnExceptions_KnowTheirKind_AsDocumented(string name)
    {
        var type = Exceptions().Single(t => t.Name == name);
        Assert.True(typeof(IVisionError).IsAssignableFrom(type), $"{name} has no kind.");
        var rows = Regex.Matches(
            File.ReadAllText(Path.Combine(Repository.Root, "docs", "errors.md")), $@"^\|[^|\n]*`{name}`[^|\n]*\|([^|\n]*)\|",
            RegexOptions.Multiline);
        // An exception without a constructor's help has its first enum value, which is the documented default where the kind depends.
        var kind = ((IVisionError)RuntimeHelpers.GetUninitializedObject(type)).Kind;
        Assert.Contains($"`{kind}`", Assert.Single(rows).Groups[1].Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_TellsLimitsFromMistakes()
    {
        using var client = new D2PrunerChatClient(
            new ScriptedEngine(), new D2PrunerChatClientOptions { MaxImagesPerRequest = 1, MaxImageBytes = 100 });
        async Task<VisionErrorKind?> Kind(ChatOptions? options, params AIContent[] contents)
        {
            var e = await Assert.ThrowsAnyAsync<Exception>(
                () => client.GetResponseAsync([new ChatMessage(ChatRole.User, contents)], options));
            return e.GetVisionErrorKind();
        }

        var small = new DataContent(new byte[10], "image/png");
        Assert.Equal(VisionErrorKind.TooLarge, await Kind(null, small, small));
        Assert.Equal(VisionErrorKind.TooLarge, await Kind(null, new DataContent(new byte[101], "image/png")));
        Assert.Equal(VisionErrorKind.TooLarge,
            await Kind(null, new UriContent("data:image/png;base64," + new string('A', 1000), "image/png")));
        Assert.Equal(VisionErrorKind.InvalidRequest, await Kind(new ChatOptions { ModelId = "other" }, small));
        Assert.Equal(VisionErrorKind.InvalidRequest, await Kind(new ChatOptions { Temperature = -1 }, small));
        Assert.Equal(VisionErrorKind.InvalidRequest, await Kind(null, new UriContent("file:///etc/passwd", "image/png")));
        Assert.Equal(VisionErrorKind.Unsupported, await Kind(null, new DataContent(new byte[10], "audio/wav")));
        client.Dispose();
        Assert.Equal(VisionErrorKind.Unavailable, await Kind(null, small));
    }

    private static IEnumerable<Type> Exceptions() => new[] { typeof(VisionErrorKind).Assembly, typeof(D2PrunerChatClient).Assembly }
        .SelectMany(a => a.GetExportedTypes()).Where(t => typeof(Exception).IsAssignableFrom(t));
}
