using System.Text;
using System.Text.Json;
using Xunit;

namespace D2Pruner.AI.Tests.Cli;

/// <summary><c>--image -</c>: an image piped into the tool, which therefore runs in a process of its own.</summary>
[Collection(TorchCollection.Name)]
public sealed class StandardInputTests
{
    [Fact]
    public async Task PipedImage_IsSeen()
    {
        var image = await File.ReadAllBytesAsync(Path.Combine(Repository.Root, "samples", "VisionAgent", "images", "shapes.png"));
        var (code, output, errors) = await AskAsync(image, Repository.DemoModel, "What colour is the circle?", "--json");
        Assert.True(code == 0, errors);
        var answer = JsonDocument.Parse(output).RootElement;
        Assert.Equal("red", answer.GetProperty("text").GetString());
        Assert.Equal(576, answer.GetProperty("pruning").GetProperty("visual_tokens").GetInt32());
    }

    // The model does not exist: what is wrong with the image must be told first.
    [Theory]
    [InlineData("", "Standard input is empty")]
    [InlineData("no image", "Standard input is no image that can be read")]
    public async Task WhatIsNoImage_IsTold(string input, string says)
    {
        var (code, output, errors) = await AskAsync(Encoding.UTF8.GetBytes(input), "no/such-model", "What is this?");
        Assert.Equal(1, code);
        Assert.Empty(output);
        Assert.Contains(says, errors, StringComparison.Ordinal);
    }

    private static Task<(int ExitCode, string Output, string Errors)> AskAsync(
        byte[] input, string model, string prompt, params string[] arguments) =>
        BuiltProgram.RunAsync(
            BuiltProgram.Path("src/Cli", "d2pruner"), ["ask", "--model", model, "--image", "-", "--prompt", prompt, .. arguments],
            input: input);
}
