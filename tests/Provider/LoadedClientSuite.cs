using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>The same over a loaded model: the trained demo model where it lies in the repository, else a tiny one.</summary>
[Collection(TorchCollection.Name)]
public sealed class LoadedClientSuite : ClientSuite, IClassFixture<LoadedClientSuite.Engine>
{
    public LoadedClientSuite(Engine engine) => Client = engine.Value.AsIChatClient();

    private protected override IChatClient Client { get; }

    public sealed class Engine : IAsyncLifetime
    {
        internal VisionLanguageEngine Value { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            var demo = Path.Combine(Repository.Root, "samples", "DemoModel", "demo-llava");
            var folder = File.Exists(Path.Combine(demo, "config.json")) ? demo : Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model");
            Value = await VisionLanguageEngine.LoadAsync(new VisionModelOptions { ModelPath = folder, Device = "cpu" });
        }

        public async Task DisposeAsync() => await Value.DisposeAsync();
    }
}
