using System.Buffers.Binary;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>Whole requests through the client: messages, options, property bags, tools. The input is the
/// number that they are made from.</summary>
internal sealed class RequestTarget : FuzzTarget
{
    private readonly D2PrunerChatClient[] _clients =
    [
        new(new ScriptedEngine(tools: true)),
        new(new ScriptedEngine(tools: false),
            new D2PrunerChatClientOptions { ToolConvention = ToolConvention.Json, ParseGroundings = true }),
        new(new ScriptedEngine(tools: false), new D2PrunerChatClientOptions { StrictOptions = true }),
    ];

    public override string Name => "requests";

    public override long AllocationLimit => 256L << 20;

    public override byte[] Make(Random random)
    {
        var input = new byte[4];
        random.NextBytes(input);
        return input;
    }

    public override void Run(byte[] input)
    {
        var random = new Random(input.Length < 4 ? 0 : BinaryPrimitives.ReadInt32LittleEndian(input));
        var made = new Conversations(random);
        var (messages, options) = (made.Messages(), made.Options());
        _clients[random.Next(_clients.Length)].GetResponseAsync(messages, options).GetAwaiter().GetResult();
    }
}
