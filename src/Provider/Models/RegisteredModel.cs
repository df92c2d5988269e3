using D2Pruner.AI.Runtime;
using Microsoft.Extensions.DependencyInjection;

namespace D2Pruner.AI;

/// <summary>A model's name as registered; the models themselves are keyed singletons.</summary>
/// <param name="Name">The name.</param>
/// <param name="Path">The path, where it was registered by nothing else; such registrations of one path share a model.</param>
internal sealed record RegisteredModel(string Name, string? Path = null)
{
    /// <summary>Name of the model that clients take when they name none.</summary>
    public const string Default = "default";

    /// <summary>Every model registered so far.</summary>
    public static IEnumerable<RegisteredModel> All(IServiceCollection services) =>
        services.Select(d => d.IsKeyedService ? null : d.ImplementationInstance).OfType<RegisteredModel>();

    /// <summary>Finds a model; null means the default one, or the only one.</summary>
    /// <exception cref="InvalidOperationException">It is not registered, or which one is meant is open.</exception>
    public static (string Name, LazyModel Model) Find(IServiceProvider services, string? name, string asker)
    {
        var names = services.GetServices<RegisteredModel>().Select(m => m.Name).ToList();
        var chosen = name ?? (names.Count == 1 ? names[0] : Default);
        if (services.GetKeyedService<LazyModel>(chosen) is { } model) return (chosen, model);
        throw new InvalidOperationException(name is null && names.Count > 1
            ? $"{asker} names no model, and there are several ({string.Join(", ", names)}) but none called '{Default}'; name one."
            : $"{asker} asks for the model '{chosen}', which is not registered; add it with AddD2PrunerModel(\"{chosen}\", ...). " +
            $"Registered: {(names.Count == 0 ? "none" : string.Join(", ", names))}.");
    }
}
