using System.Text.Json;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

public sealed class ToolCallReaderTests
{
    private static (string Text, List<FunctionCallContent> Calls, List<string> Log) Read(string answer, int seed)
    {
        var random = new Random(seed);
        var log = new List<string>();
        var reader = new ToolCallReader(log.Add);
        var contents = new List<AIContent>();
        for (var i = 0; i < answer.Length;)
        {
            var n = Math.Min(random.Next(1, 9), answer.Length - i);
            contents.AddRange(reader.Push(answer.Substring(i, n)));
            i += n;
        }

        contents.AddRange(reader.Flush());
        Assert.Equal(reader.Calls, contents.OfType<FunctionCallContent>().Count());
        var text = string.Concat(contents.OfType<TextContent>().Select(t => t.Text));
        Assert.Equal(text, reader.VisibleText);
        return (text, [.. contents.OfType<FunctionCallContent>()], log);
    }

    private static string Call(string json) => $"<tool_call>\n{json}\n</tool_call>";

    /// <summary>A call that never ends was copied anew with every piece: 20,000 characters took 300 MB.</summary>
    [Theory]
    [InlineData("<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"", "xxxxxxxx")]
    [InlineData("text ", "xxxxxxxx")]
    public void LongAnswers_TakeMemoryOfTheirLength(string beginning, string piece)
    {
        var reader = new ToolCallReader(_ => { });
        reader.Push(beginning);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 5000; i++) reader.Push(piece);
        reader.Flush();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 5 << 20, $"{allocated} bytes for {5000 * piece.Length} characters");
    }

    [Fact]
    public void Calls_AndTextBetween_InAnyPieces()
    {
        var answer = "Let me look. <b>\n"
            + Call("{\"name\": \"locate\", \"arguments\": {\"what\": \"a </tool_call> \\\" sign\", \"n\": 2}}")
            + "\n" + Call("{\"name\": \"now\", \"arguments\": {}}") + "\nDone <tool_cal";
        for (var seed = 0; seed < 200; seed++)
        {
            var (text, calls, log) = Read(answer, seed);
            Assert.Equal("Let me look. <b>\nDone <tool_cal", text);
            Assert.Equal(["locate", "now"], calls.Select(c => c.Name));
            Assert.Equal("a </tool_call> \" sign", ((JsonElement)calls[0].Arguments!["what"]!).GetString());
            Assert.Equal(2, ((JsonElement)calls[0].Arguments!["n"]!).GetInt32());
            Assert.Empty(calls[1].Arguments!);
            Assert.Equal(2, calls.Select(c => c.CallId).Distinct().Count());
            Assert.Empty(log);
        }
    }

    [Theory]
    [InlineData("{\"name\": \"f\", \"arguments\": {\"a\": 1}")]
    [InlineData("{\"name\": \"f\", \"arguments\": [1]}")]
    [InlineData("{\"arguments\": {}}")]
    [InlineData("f(1)")]
    [InlineData("")]
    public void Malformed_ComesOutAsText_AndTheNextCallIsStillRead(string json)
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var (text, calls, log) = Read("So:\n" + Call(json) + "\n" + Call("{\"name\": \"g\", \"arguments\": {}}"), seed);
            Assert.Equal("So:" + Call(json), text);
            Assert.Equal("g", Assert.Single(calls).Name);
            Assert.Single(log);
        }
    }

    [Fact]
    public void CutOff_InsideACall_ComesOutAsText()
    {
        var (text, calls, log) = Read("Hm.\n<tool_call>\n{\"name\": \"f\", \"argum", 1);
        Assert.Equal("Hm.<tool_call>\n{\"name\": \"f\", \"argum", text);
        Assert.Empty(calls);
        Assert.Single(log);
    }

    [Fact]
    public void PlainText_IsHandedOutAsItIs_WhiteSpaceAtTheEndIncluded()
    {
        Assert.Equal(" a < b, <tool> \n", Read(" a < b, <tool> \n", 3).Text);
        Assert.Equal("", Read(Call("{\"name\": \"g\", \"arguments\": {}}") + "\n", 3).Text);
    }
}
