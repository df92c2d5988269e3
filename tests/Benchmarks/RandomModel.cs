using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Layers;
using D2Pruner.AI.Runtime.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Benchmarks;

/// <summary>A decoder with random bf16 weights of a real layer geometry, and a prompt for it.</summary>
internal sealed class RandomModel : ITensorSource, IDisposable
{
    private const double Spread = 0.02;
    private readonly List<Tensor> _tensors = [];
    private readonly Dictionary<string, Tensor> _patterns = [];
    private readonly bool _shareLayers;
    private readonly Device _device;

    /// <param name="geometry">The geometry.</param>
    /// <param name="layers">Layers.</param>
    /// <param name="device">Device.</param>
    /// <param name="shareLayers">All layers use the same memory: for memory measurements, not for times.</param>
    public RandomModel(Geometry geometry, int layers, Device? device = null, bool shareLayers = false)
    {
        (Geometry, _shareLayers, _device) = (geometry, shareLayers, device ?? CPU);
        using var none = no_grad();
        using var scope = NewDisposeScope();
        random.manual_seed(7);
        var config = geometry.Config(layers);
        Decoder = new TextDecoder(
            config, DecoderWeights.Take(this, config, new DecoderNames { Prefix = "model.", Head = "lm_head.weight" }));
        var visual = geometry.VisualTokens;
        Features = Register((randn(visual, geometry.Hidden, device: _device).Times(0.5)).to(ScalarType.BFloat16));
        // 35 tokens before the picture, the rest behind it.
        const int Before = 35;
        var length = visual + Geometry.TextTokens;
        Prompt = new EncodedPrompt
        {
            Text = "",
            TokenIds = [.. Enumerable.Range(0, length).Select(i => (long)(i % 61))],
            PositionIds = [[.. Enumerable.Range(0, length).Select(i => (long)i)]],
            NextPosition = length,
            Images = [],
            VisualPositions = [[.. Enumerable.Range(Before, visual)]],
            Layouts = [geometry.Layout(Before)],
        };
    }

    public Geometry Geometry { get; }

    public TextDecoder Decoder { get; }

    public Tensor Features { get; }

    public EncodedPrompt Prompt { get; }

    /// <summary>One prefill; the caller disposes its cache.</summary>
    public PrefillOutput Prefill(PruningSettings? settings, IPrefillObserver? observer = null)
    {
        using var inference = inference_mode();
        var pruner = settings is null ? null : PrunerRegistry.BuiltIn.Plan(settings, Decoder.Config.Layers).Pruner;
        var output = PromptForward.Run(Decoder, Prompt, [new VisionOutput(Features, null)], new PrefillOptions
        {
            Pruner = pruner,
            Budgets = pruner is null ? [] : [.. pruner.Schedule.Select(s => BudgetSplit.Split(s.Budget, [Geometry.VisualTokens]))],
            Room = 64,
            Observer = observer,
        }, default);
        if (_device.type == DeviceType.CUDA) cuda.synchronize();
        return output;
    }

    public Tensor Take(string name, long[] shape)
    {
        // Layers differ in memory, not in values: making them is quick, and every byte is read in any case.
        var generic = System.Text.RegularExpressions.Regex.Replace(name, @"layers\.\d+\.", "layers.");
        if (!_patterns.TryGetValue(generic, out var pattern))
        {
            var values = name.Contains("norm", StringComparison.Ordinal) ? ones(shape, device: _device)
                : randn(shape, device: _device).Times(Spread);
            return _patterns[generic] = Register(values.to(ScalarType.BFloat16));
        }

        return _shareLayers ? pattern : Register(pattern.clone());
    }

    public Tensor? TakeOptional(string name, long[] shape) => Take(name, shape);

    public Tensor[] TakeSplit(string name, long[] shape, Func<Tensor, Tensor[]> split) => [.. split(Take(name, shape)).Select(Register)];

    public void Dispose()
    {
        Decoder.Dispose();
        foreach (var t in _tensors) t.Dispose();
    }

    private Tensor Register(Tensor t)
    {
        t.DetachFromDisposeScope();
        _tensors.Add(t);
        return t;
    }
}
