using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI;

/// <summary>From an engine to a chat client, without dependency injection.</summary>
public static class D2PrunerEngineExtensions
{
    /// <summary>A chat client that borrows the engine: dispose the engine yourself, after its clients.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="options">Settings, copied; null takes the defaults.</param>
    /// <param name="loggerFactory">Where ignored options are logged; null logs nowhere.</param>
    public static IChatClient AsIChatClient(
        this VisionLanguageEngine engine, D2PrunerChatClientOptions? options = null, ILoggerFactory? loggerFactory = null) =>
        new D2PrunerChatClient(engine, options, ownsEngine: false, loggerFactory);
}
