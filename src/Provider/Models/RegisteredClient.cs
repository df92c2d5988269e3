using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI;

/// <summary>A client's registration: each has options of its own, whatever its key looks like as text.</summary>
/// <param name="OptionsName">Name of its options.</param>
internal sealed record RegisteredClient(string OptionsName)
{
    /// <summary>
    /// Registers one more client. The first one without a key has the default options, and one whose key is a text the options of that
    /// name, so that applications can configure them further; where two would share a name, the later one is numbered.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="key">Its key; null for none.</param>
    /// <returns>Name of its options.</returns>
    public static string Add(IServiceCollection services, object? key)
    {
        ArgumentNullException.ThrowIfNull(services);
        var wanted = key switch
        {
            null => Options.DefaultName,
            string { Length: > 0 } text => text,
            string => "(empty)",
            _ => $"{key} ({key.GetType().Name})",
        };
        var taken = services.Select(d => d.IsKeyedService ? null : d.ImplementationInstance).OfType<RegisteredClient>()
            .Select(c => c.OptionsName).ToHashSet(StringComparer.Ordinal);
        var name = wanted;
        for (var n = 2; taken.Contains(name); n++) name = wanted.Length == 0 ? $"#{n}" : $"{wanted} #{n}";
        services.AddSingleton(new RegisteredClient(name));
        return name;
    }
}
