using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Tests.Provider;

public sealed class ScriptedClientSuite : ClientSuite
{
    private protected override IChatClient Client { get; } = new D2PrunerChatClient(new ScriptedEngine());
}
