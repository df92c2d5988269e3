using System.Text.Json.Nodes;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Engine;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using TorchSharp;

namespace D2Pruner.AI.Conformance;

/// <summary>Computes the cases of a model folder through the engine's own scheduler and executor, in fp32 unless asked otherwise.</summary>
internal sealed class ModelCaseRunner : IDisposable
{
    private readonly VisionLanguageModel _model;
    private readonly ModelExecutor _executor;
    private readonly PositionalBiasPrior? _prior;

    /// <param name="folder">The fixture folder.</param>
    /// <param name="precision">The weights' type.</param>
    /// <param name="device">Where.</param>
    /// <param name="reuse">Keep prompt beginnings from case to case.</param>
    public ModelCaseRunner(string folder, ModelPrecision precision = ModelPrecision.Float32, string device = "cpu", bool reuse = false)
    {
        var options = new VisionModelOptions { ModelPath = Path.Combine(folder, "model"), Device = device, Precision = precision,
            PrefixCacheBytes = reuse ? 1L << 30 : 0, VisionCacheBytes = reuse ? 256L << 20 : 0 };
        _model = ModelLoader.LoadModel(options);
        _executor = new ModelExecutor(_model, options);
        var prior = Path.Combine(folder, "priors.safetensors");
        _prior = File.Exists(prior) ? PriorFile.Load(prior) : _model.Prior;
    }

    public VisionLanguageModel Model => _model;

    public PositionalBiasPrior? Prior => _prior;

    /// <summary>Prompt tokens that were looked up in the prefix cache and found there.</summary>
    public long ReusedTokens => _executor.Memory.PrefixHits;

    /// <summary>Computes one case, sequence after sequence.</summary>
    public ModelCaseResult Compute(ModelCase c) => Compute([c], 1)[0];

    /// <summary>Computes several cases through one scheduler.</summary>
    /// <param name="cases">The cases.</param>
    /// <param name="concurrent">Sequences that run at once.</param>
    /// <param name="again">Answer everything twice and give the second answers.</param>
    public IReadOnlyList<ModelCaseResult> Compute(IReadOnlyList<ModelCase> cases, int concurrent, bool again = false)
    {
        var first = cases.Select(c => new CaseAnswers(this, c, reuses: false)).ToArray();
        Answer(first, concurrent);
        if (!again) return [.. first.Select(a => a.Result(null))];
        var second = cases.Select(c => new CaseAnswers(this, c, reuses: true)).ToArray();
        Answer(second, concurrent);
        return [.. second.Select((a, i) => a.Result(first[i]))];
    }

    public void Dispose() => _executor.Dispose();

    internal ModelExecutor Executor => _executor;

    private void Answer(CaseAnswers[] answers, int concurrent)
    {
        var limits = new EngineLimits { MaxSequences = concurrent, QueueCapacity = int.MaxValue };
        var scheduler = new Scheduler(
            _executor, limits, new WaitingLine(limits),
            new SequenceLog(Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, "conformance"));
        var all = answers.SelectMany(a => a.Sequences).ToArray();
        foreach (var sequence in all) scheduler.Enqueue(sequence);
        scheduler.Stop();
        scheduler.Run(() => false);
        foreach (var sequence in all)
        {
            // What a sequence failed with is the case's failure.
            if (sequence.Events.Reader.Completion.Exception is { } e) throw e.InnerException!;
        }
    }
}
