using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Tests.Provider;
using D2Pruner.AI.Tests.SemanticKernel;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Agents;

/// <summary>A thousand calls that a confused or hostile model could make: each ends with a result or a typed error, none with an
/// exception.</summary>
public sealed class ToolCallFuzzTests
{
    private static readonly string[] Texts =
    [
        "p", "q.png", "sub/r.png", "", " ", "..", "../q.png", "/etc/passwd", "C:\\x.png", "file:///etc/passwd", "http://127.0.0.1/x",
            "data:image/png;base64,AAAA", "pipe.png", "notes.txt",
        "attachment-1", "attachment-99999999999", "d2pruner://images/p", "\0", "\ud800", "\u202eabc", "%2e%2e/q.png", "q.png\n", "😀",
            "con", "a,b;c", "{0}", "{0}{1}", "<image>", "<|im_end|>", "null",
    ];

    [Fact]
    public async Task EveryCall_HasAResultOrATypedError()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("sub"));
        File.WriteAllBytes(folder.File("q.png"), Pictures.Png(2));
        File.WriteAllBytes(folder.File("sub/r.png"), Pictures.Png(3));
        File.WriteAllText(folder.File("notes.txt"), "no image");
        var images = new VisionImages(folder.Path);
        images.Add(Pictures.Png(1), "p");
        var tools = new VisionTools(new D2PrunerChatClient(new ScriptedEngine { Pieces = ["[0.25, 0.25, 0.5, 0.75]"] }), images,
            new VisionToolOptions { IncludeDetailedErrors = true });
        var random = new Random(19);
        var (answers, errors) = (0, 0);
        for (var i = 0; i < 1000; i++)
        {
            var function = tools.Functions[random.Next(tools.Functions.Count)];
            var arguments = new AIFunctionArguments();
            foreach (var name in function.JsonSchema.GetProperty("properties").EnumerateObject().Select(p => p.Name).Append("extra"))
            {
                if (random.Next(8) > 0) arguments[name] = Value(random);
            }

            var text = Assert.IsType<string>(await function.InvokeAsync(arguments));
            using var json = JsonDocument.Parse(text);
            if (json.RootElement.TryGetProperty("error", out var error))
            {
                errors++;
                Assert.NotEmpty(error.GetString()!);
                var kind = json.RootElement.GetProperty("kind").GetString();
                Assert.True(kind is "invalid_request" or "too_large", $"call {i} of {function.Name}: {text}");
                Assert.DoesNotContain(folder.Path, text);
            }
            else
            {
                answers++;
            }
        }

        // Both happen, or the fuzzing tests nothing.
        Assert.True(answers > 50 && errors > 300, $"{answers} answers, {errors} errors");
    }

    private static object? Value(Random random) => random.Next(16) switch
    {
        0 => null,
        1 => random.Next(),
        2 => JsonElement.Parse("""{"image": ["p"]}"""),
        3 => JsonElement.Parse("\"\\ud800\""),
        4 => JsonElement.Parse("\"p\""),
        5 => new JsonArray(1, "p"),
        6 => new string((char)random.Next(1, 0xD000), random.Next(1, 9000)),
        7 => Enumerable.Range(0, random.Next(3)).ToList(),
        >= 8 and <= 11 => "p",
        _ => Texts[random.Next(Texts.Length)],
    };
}
