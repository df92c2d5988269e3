using D2Pruner.AI.Runtime.Models.Qwen25VL;
using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Text;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>Prompts with tools, calls and results, character by character.</summary>
[Trait("Category", "Conformance")]
public sealed class TemplateConformanceTests
{
    public static TheoryData<string, string> Cases()
    {
        var data = new TheoryData<string, string>();
        foreach (var file in FixtureFolders.Find(FixtureKind.Templates).SelectMany(f => Directory.GetFiles(f, "*.json")))
        {
            foreach (var c in Read(file)) data.Add(file, c.GetProperty("name").GetString()!);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Prompt_EqualsTheReference(string file, string name)
    {
        Assert.StartsWith("qwen2.5-vl", Path.GetFileName(file), StringComparison.Ordinal);
        var c = Read(file).First(x => x.GetProperty("name").GetString() == name);
        var tools = c.GetProperty("tools") is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().Select(Tool).ToArray() : [];
        var prompt = new QwenTemplate().Render([.. c.GetProperty("messages").EnumerateArray().Select(Turn)], tools);
        Assert.Equal(c.GetProperty("prompt").GetString(), prompt);
    }

    private static IEnumerable<JsonElement> Read(string file) =>
        JsonDocument.Parse(File.ReadAllBytes(file)).RootElement.GetProperty("cases").EnumerateArray();

    private static ChatTool Tool(JsonElement json)
    {
        var f = json.GetProperty("function");
        return new ChatTool(f.GetProperty("name").GetString()!, f.TryGetProperty("description", out var d) ? d.GetString()
            : null, f.GetProperty("parameters").GetRawText());
    }

    private static ChatTurn Turn(JsonElement json)
    {
        var role = json.GetProperty("role").GetString()!;
        var content = json.GetProperty("content");
        List<ChatPart> parts = content.ValueKind == JsonValueKind.String
            ? [new TextPart(content.GetString()!)]
            : [.. content.EnumerateArray()
                .Select(p => p.GetProperty("type").GetString() == "image" ? (ChatPart)new ImagePart(ReadOnlyMemory<byte>.Empty)
                    : new TextPart(p.GetProperty("text").GetString()!))];
        if (role == "tool") parts = [.. parts.OfType<TextPart>().Select(p => new ToolResultPart(p.Text))];
        if (json.TryGetProperty("tool_calls", out var calls))
            parts.AddRange(calls.EnumerateArray().Select(x => x.GetProperty("function"))
                .Select(f => new ToolCallPart(f.GetProperty("name").GetString()!, f.GetProperty("arguments").GetRawText())));
        return new ChatTurn(role, parts);
    }
}
