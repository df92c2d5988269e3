using System.Buffers.Binary;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>What functions may return, and what calls of them may hold, on its way into the prompt. The input is the
/// number that they are made from.</summary>
internal sealed class ToolResultTarget : FuzzTarget
{
    private readonly D2PrunerChatClient _client = new(new ScriptedEngine(tools: true));

    public override string Name => "tool_results";

    public override byte[] Make(Random random)
    {
        var input = new byte[4];
        random.NextBytes(input);
        return input;
    }

    public override void Run(byte[] input)
    {
        var made = new Conversations(new Random(input.Length < 4 ? 0 : BinaryPrimitives.ReadInt32LittleEndian(input)));
        ChatMessage[] messages =
        [
            new(ChatRole.User, "q"),
            new(ChatRole.Assistant, [
                new FunctionCallContent("1", "f", new Dictionary<string, object?> { ["a"] = made.Result(), ["b"] = made.Result() })]),
            new(ChatRole.Tool, [new FunctionResultContent("1", made.Result(5))]),
        ];
        _client.GetResponseAsync(messages).GetAwaiter().GetResult();
    }
}
