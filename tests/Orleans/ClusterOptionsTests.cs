using D2Pruner.AI.Orleans;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>The section <c>D2Pruner:Cluster</c>, as the options' own documentation names it.</summary>
public sealed class ClusterOptionsTests
{
    [Fact]
    public void ASection_IsBound_AndChecked()
    {
        var options = Options(("QueueWeight", "2.5"), ("Spread", "3"), ("QueueFullMode", "Wait"), ("FailoverTimeout", "00:00:07"));
        Assert.Equal((2.5, 3), (options.QueueWeight, options.Spread));
        Assert.Equal((QueueFullMode.Wait, TimeSpan.FromSeconds(7)), (options.QueueFullMode, options.FailoverTimeout));
        Assert.Equal(new D2PrunerClusterOptions().KvWeight, options.KvWeight);
        Assert.Contains("LoadBound", Assert.Throws<OptionsValidationException>(() => Options(("LoadBound", "0.5"))).Message,
            StringComparison.Ordinal);
    }

    private static D2PrunerClusterOptions Options(params (string Key, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create("D2Pruner:Cluster:" + s.Key, (string?)s.Value))).Build();
        var services = new ServiceCollection();
        services.ConfigureD2PrunerCluster(configuration.GetSection("D2Pruner:Cluster"));
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptions<D2PrunerClusterOptions>>().Value;
    }
}
