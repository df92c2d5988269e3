using D2Pruner.AI.Conformance;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>A tiny model whose files a test may change.</summary>
internal sealed class CopiedModel : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public CopiedModel() => Path = _folder.Copy(System.IO.Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"));

    /// <summary>The model's folder.</summary>
    public string Path { get; }

    /// <summary>Its weights.</summary>
    public string Weights => System.IO.Path.Combine(Path, "model.safetensors");

    public void Dispose() => _folder.Dispose();
}
