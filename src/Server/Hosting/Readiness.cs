using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Server;

/// <summary>Whether this server can answer. It loads nothing and waits for nothing.</summary>
internal sealed class Readiness(ServedModels models, ServerWork work)
{
    /// <summary>Why not; null where every model is ready.</summary>
    public string? Problem()
    {
        if (work.IsStopping) return "The server is stopping.";
        foreach (var source in models.Registered)
            if (Problem(source.ModelId, source.GetStatus()) is { } problem) return problem;
        foreach (var model in models.All)
            if (model.Status is { } status && Problem(model.Id, status) is { } problem) return problem;
        return null;
    }

    /// <summary>Refuses a request to a model that is being loaded or stopped; one that is not loaded
    /// yet is loaded by the request.</summary>
    /// <exception cref="RequestException">The model cannot answer now.</exception>
    public static void Require(ServedModel model, int retryAfter)
    {
        switch (model.Status?.State)
        {
            case EngineState.Loading: throw new RequestException(
                ServerError.Unavailable($"The model '{model.Id}' is loading; try again a little later.", "model_loading", retryAfter));
            case EngineState.Stopping or EngineState.Disposed: throw new RequestException(ServerWork.Stopping());
        }
    }

    // Without the engine's own message: it may name paths, and this endpoint needs no key.
    private static string? Problem(string id, EngineStatus status) => status.State switch
    {
        EngineState.Ready => null,
        EngineState.Loading => $"The model '{id}' is loading.",
        EngineState.NotLoaded => $"The model '{id}' is not loaded yet.",
        EngineState.Faulted => $"The model '{id}' could not be loaded; the server's log says why.",
        _ => $"The model '{id}' is stopping.",
    };
}
