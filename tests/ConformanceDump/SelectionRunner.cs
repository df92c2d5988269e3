using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;
using TorchSharp;

namespace D2Pruner.AI.Conformance;

/// <summary>Runs the cases of a selection folder: the algorithm alone, on given attention, hidden states and priors.</summary>
internal sealed class SelectionRunner : IDisposable
{
    private readonly SafetensorsFile _inputs;
    private readonly JsonDocument _json;

    public SelectionRunner(string folder)
    {
        _inputs = SafetensorsFile.Open(Path.Combine(folder, "inputs.safetensors"));
        _json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
    }

    public IReadOnlyList<JsonElement> Cases => [.. _json.RootElement.GetProperty("cases").EnumerateArray()];

    public IReadOnlyList<JsonElement> BudgetSplits => _json.RootElement.TryGetProperty("budget_splits", out var b)
        ? [.. b.EnumerateArray()] : [];

    public static int[] Split(JsonElement c) =>
        BudgetSplit.Split(TokenBudget.OfTokens(c.GetProperty("n").GetInt32()),
            [.. c.GetProperty("sizes").EnumerateArray().Select(s => s.GetInt32())]);

    /// <summary>The result, or <c>skipped: true</c> for a method not supported yet.</summary>
    public JsonObject Compute(JsonElement c)
    {
        var method = MethodOf(c);
        if (PrunerRegistry.BuiltIn.Find(method) is null) return new JsonObject { ["skipped"] = true };
        using var scope = torch.NewDisposeScope();
        var set = c.GetProperty("set").GetString()!;
        var layout = Layout(c);
        var n = c.GetProperty("n").GetInt32();
        double Number(string key, double fallback) => c.TryGetProperty(key, out var v) ? v.GetDouble() : fallback;
        var settings = new PruningSettings
        {
            Method = method,
            LayersBeforePruning = 2,
            Budget = TokenBudget.OfTokens(n),
            Alpha = Number("alpha", 1),
            Theta = Number("theta", 0.8),
            PivotRatio = Number("pivot_ratio", 0.7),
            Rule = c.TryGetProperty("rule", out var r) ? Enum.Parse<PivotRule>(r.GetString()!) : PivotRule.R1,
        };
        var prior = c.TryGetProperty("prior", out var p) && p.GetBoolean() ? Prior(set, layout) : null;
        var state = PromptReductionState.Start(layout.Count + 1, [layout]);
        var step = PromptReduction.Run(PrunerRegistry.BuiltIn.Plan(settings, 32).Pruner, 0, state, candidates => new PruningContext
        {
            Layout = candidates.Layout,
            Budget = candidates.Budget,
            Attention = Holds($"{set}.attention") ? _inputs.ReadArray<float>($"{set}.attention") : null,
            HiddenStates = Tensor($"{set}.hidden"),
            Prior = prior,
            FinalNormed = Tensor($"{set}.normed"),
            TextFinalNormed = Tensor($"{set}.text_normed"),
            // Of the keys their L1 norms are stored: a key of one number has that norm.
            Keys = Tensor($"{set}.key_l1")?.unsqueeze(1),
            TextKeys = Tensor($"{set}.text_key_l1")?.unsqueeze(1),
        }, [n]);
        var image = step.Images[0];
        return new JsonObject
        {
            ["kept"] = new JsonArray([.. image.Kept.Select(k => JsonValue.Create(k))]),
            ["pivots"] = image.Statistics.Pivots,
            ["fill"] = image.Statistics.Fill,
            ["edges"] = image.Statistics.Edges,
            ["s_min"] = image.Statistics.MinSimilarity,
            ["s_max"] = image.Statistics.MaxSimilarity,
        };
    }

    /// <summary>The layout of a case: components one after the other, row-major.</summary>
    public static VisualTokenLayout Layout(JsonElement c)
    {
        var start = 0;
        var components = new List<GridComponent>();
        foreach (var g in c.GetProperty("components").EnumerateArray())
        {
            var (rows, cols) = (g.GetProperty("rows").GetInt32(), g.GetProperty("cols").GetInt32());
            components.Add(new GridComponent(g.GetProperty("name").GetString()!, rows, cols, [.. Enumerable.Range(start, rows * cols)]));
            start += rows * cols;
        }

        return new VisualTokenLayout(components);
    }

    public void Dispose()
    {
        _inputs.Dispose();
        _json.Dispose();
    }

    // The folder calls our variant of DART by its full name.
    private static string MethodOf(JsonElement c) => c.GetProperty("method").GetString() is var method && method == "dart-equal-n"
        ? "dart" : method!;

    private bool Holds(string name) => _inputs.Find(name) is not null;

    private torch.Tensor? Tensor(string name) => Holds(name) ? _inputs.Read(name) : null;

    private float[]? Prior(string set, VisualTokenLayout layout)
    {
        var maps = new Dictionary<(int, string), PriorMap>();
        foreach (var g in layout.Components)
        {
            if (_inputs.Find($"{set}.prior.{g.Name}") is { } e)
                maps[(2, g.Name)] = new PriorMap((int)e.Shape[0], (int)e.Shape[1], _inputs.ReadArray<float>(e.Name));
        }

        return maps.Count == 0 ? null : new PositionalBiasPrior("fixture", maps).ForLayout(2, layout);
    }
}
