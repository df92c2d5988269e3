using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;
using TorchSharp;

namespace D2Pruner.AI.Tests.Pruning;

/// <summary>Golden selections at real sizes (the folder <c>selection</c> of the conformance data).</summary>
public sealed class SelectionFixture : IDisposable
{
    private readonly SafetensorsFile _inputs;
    private readonly JsonDocument _cases;

    public SelectionFixture()
    {
        var folder = FixtureFolders.Find(FixtureKind.Selection).FirstOrDefault()
            ?? Path.Combine(FixtureFolders.Copies
                ?? throw new DirectoryNotFoundException("tests/Conformance/Fixtures was not found above the test output."), "selection");
        _cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
        _inputs = SafetensorsFile.Open(Path.Combine(folder, "inputs.safetensors"));
    }

    public IEnumerable<JsonElement> Cases(string method) =>
        _cases.RootElement.GetProperty("cases").EnumerateArray().Where(c => c.GetProperty("method").GetString() == method);

    public float[] Values(string name) => _inputs.ReadArray<float>(name);

    public torch.Tensor Tensor(string name) => _inputs.Read(name);

    public static int[] Ints(JsonElement array) => [.. array.EnumerateArray().Select(e => e.GetInt32())];

    public static string Set(JsonElement c) => c.GetProperty("set").GetString()!;

    public static VisualTokenLayout Layout(JsonElement c)
    {
        var start = 0;
        var components = new List<GridComponent>();
        foreach (var e in c.GetProperty("components").EnumerateArray())
        {
            var (rows, cols) = (e.GetProperty("rows").GetInt32(), e.GetProperty("cols").GetInt32());
            components.Add(new GridComponent(e.GetProperty("name").GetString()!, rows, cols, [.. Enumerable.Range(start, rows * cols)]));
            start += rows * cols;
        }
        return new VisualTokenLayout(components);
    }

    public PositionalBiasPrior Prior(JsonElement c, int layer)
    {
        var maps = new Dictionary<(int, string), PriorMap>();
        foreach (var component in Layout(c).Components)
        {
            var name = $"{Set(c)}.prior.{component.Name}";
            var shape = _inputs.Find(name)!.Shape;
            maps[(layer, component.Name)] = new PriorMap((int)shape[0], (int)shape[1], Values(name));
        }
        return new PositionalBiasPrior("golden", maps);
    }

    public void Dispose()
    {
        _inputs.Dispose();
        _cases.Dispose();
    }
}
