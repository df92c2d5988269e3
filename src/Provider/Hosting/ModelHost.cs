using D2Pruner.AI.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI;

/// <summary>With a host: looks at every model's folder when it starts (weights stay unread), and lets the engines
/// finish their work when it stops.</summary>
internal sealed class ModelHost(IServiceProvider services) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var (name, model) in Models())
        {
            var problems = ModelFolderCheck.Problems(model.Options);
            if (problems.Count > 0)
                throw new OptionsValidationException(
                    name, typeof(VisionModelOptions), problems.Select(p => $"Model '{name}' ({model.Options.ModelPath}): {p}"));
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.WhenAll(Models().Select(m => m.Model.StopAsync(cancellationToken)));

    private IEnumerable<(string Name, LazyModel Model)> Models() =>
        services.GetServices<RegisteredModel>().Select(m => RegisteredModel.Find(services, m.Name, "The host"));
}
