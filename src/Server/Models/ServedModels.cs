using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace D2Pruner.AI.Server;

/// <summary>Every chat client of the container: keyed ones by their key, the one without a key by its model's id. What else their models
/// are called finds them too.</summary>
internal sealed class ServedModels
{
    private readonly Dictionary<string, ServedModel> _byId = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, ServedModel?> _byAlias = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="services">The container.</param>
    /// <param name="registrations">What was registered in it.</param>
    /// <exception cref="InvalidOperationException">No client, or two of one name.</exception>
    public ServedModels(IServiceProvider services, IServiceCollection registrations)
    {
        var sources = services.GetServices<RegisteredModel>().Select(m => services.GetRequiredKeyedService<LazyModel>(m.Name)).ToList();
        Registered = sources;
        var keys = registrations.Where(d => d.ServiceType == typeof(IChatClient)).Select(d => d.IsKeyedService ? d.ServiceKey : null)
            .Where(k => !Equals(k, KeyedService.AnyKey) && !Equals(k, ClientKeys.VisionTools)).Distinct();
        foreach (var key in keys)
        {
            var client = key is null ? services.GetRequiredService<IChatClient>() : services.GetRequiredKeyedService<IChatClient>(key);
            var modelId = (client.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata)?.DefaultModelId;
            var id = key?.ToString() ?? modelId ?? "default";
            // Two models of one path have one id: a client of ours knows which it stands on.
            var source = client.GetService(typeof(D2PrunerChatClient)) is D2PrunerChatClient own ? own.Source as LazyModel
                : sources.Find(s => s.ModelId == modelId);
            string[] names = modelId is null ? [] : [modelId];
            var model = new ServedModel(id, source?.Names ?? names, client, source);
            if (!_byId.TryAdd(id, model))
                throw new InvalidOperationException($"Two chat clients are called '{id}'; register them under different keys.");
            All.Add(model);
        }

        if (All.Count == 0)
            throw new InvalidOperationException("No IChatClient is registered; add one, for example with AddD2PrunerChatClient(...).");
        // By rank: revisions of one repository share its name, which is first of all that of the one without a revision.
        for (var rank = 0; rank < All.Max(m => m.Aliases.Count); rank++)
        {
            foreach (var named in All.Where(m => m.Aliases.Count > rank)
                .GroupBy(m => m.Aliases.ElementAt(rank), StringComparer.OrdinalIgnoreCase))
                _byAlias.TryAdd(named.Key, named.Count() == 1 ? named.First() : null);
        }
    }

    /// <summary>The clients in the order of their registration.</summary>
    public List<ServedModel> All { get; } = [];

    /// <summary>Every registered local model, whether a client stands on it or not.</summary>
    public IReadOnlyList<LazyModel> Registered { get; }

    public ServedModel? Find(string id) => _byId.GetValueOrDefault(id) ?? _byAlias.GetValueOrDefault(id);

    /// <summary>The model of a request.</summary>
    /// <exception cref="RequestException">There is none of this name, or none is named and there are several.</exception>
    public ServedModel Resolve(string? id)
    {
        if (!string.IsNullOrEmpty(id))
            return Find(id) ?? throw new RequestException(
                ServerError.ModelNotFound($"The model '{(id.Length <= 128 ? id : id[..128])}' does not exist here. Models: {Names}."));
        return All is [var only] ? only : throw RequestException.Bad("model", $"'model' is missing; expected one of {Names}.");
    }

    private string Names => string.Join(", ", All.Select(m => m.Id));
}
