using System.Text;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>Answers that look like tool calls and boxes, in pieces of any length, to contents; reading them never throws.</summary>
internal sealed class ToolCallTarget : FuzzTarget
{
    private static readonly string[] Parts =
    [
        "<tool_call>", "</tool_call>", "{\"name\": \"f\", \"arguments\": {}}", "\n", "{\"name\": \"f\"", "\"</tool_call>\"", "<tool",
            "text ", "[0.1, 0.2, 0.3, 0.4]", "{\"bbox_2d\": [1, 2, 3, 4], \"label\": \"x\"}",
        "[1e999, 2, 3]", "<ref>cat</ref><box>[[1, 2, 3, 4]]</box>", "[", "{", "}", "\"label\": \"",
    ];

    private readonly ScriptedEngine _engine = new(tools: true);
    private readonly D2PrunerChatClient _client;
    private readonly ChatOptions _options = new() { Tools = [AIFunctionFactory.Create(() => 1, "f")] };

    public ToolCallTarget() => _client = new D2PrunerChatClient(_engine, new D2PrunerChatClientOptions { ParseGroundings = true });

    public override string Name => "tool_calls";

    public override byte[] Make(Random random)
    {
        var text = new StringBuilder();
        for (var n = random.Next(12); n > 0; n--)
            text.Append(random.Next(4) == 0 ? Values.Json(random) : random.Next(8) == 0 ? Values.Text(random)
                : Parts[random.Next(Parts.Length)]);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    public override void Run(byte[] input)
    {
        (_engine.Answer, _engine.PieceLength) = (Encoding.UTF8.GetString(input), 1 + input.Length % 17);
        var response = _client.GetResponseAsync("q", _options).GetAwaiter().GetResult();
        if (response.FinishReason is null) throw new FuzzFailure("The answer has no finish reason.");
        response.GetGroundings();
        response.GetPruningReport();
    }
}
