using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace D2Pruner.AI.Tests.Server;

internal static class KeyedClients
{
    /// <summary>Registers a given client under a key.</summary>
    public static void AddKeyedChatClientOf(this IServiceCollection services, string key, IChatClient client) =>
        services.AddKeyedChatClient(key, client);
}
