using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Layers;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>Records what the decoder's linear maps are given while a model works: one moment for maps that share their input.</summary>
internal sealed class ActivationMoments : IDisposable
{
    private readonly Dictionary<Linear, RecordingLinear> _recorders = [];
    private readonly List<RecordingLinear> _all = [];
    private readonly DecoderLayerWeights[] _layers;
    private readonly DecoderLayerWeights[] _originals;

    /// <summary>Puts recorders into a decoder; <see cref="Dispose"/> takes them out.</summary>
    public ActivationMoments(DecoderWeights weights)
    {
        _layers = weights.Layers;
        _originals = [.. weights.Layers];
        for (var i = 0; i < _layers.Length; i++)
        {
            var l = _originals[i];
            var (input, output, mlp, down) = (Record(l.Query), Record(l.Output), Record(l.Gate), Record(l.Down));
            (_recorders[l.Key], _recorders[l.Value], _recorders[l.Up]) = (input, input, mlp);
            _layers[i] = new DecoderLayerWeights
            {
                InputNorm = l.InputNorm,
                MlpNorm = l.MlpNorm,
                Query = input,
                Key = l.Key,
                Value = l.Value,
                Output = output,
                Gate = mlp,
                Up = l.Up,
                Down = down,
            };
        }
    }

    /// <summary>Sum of X^T X of a map's inputs, [inputs, inputs] fp32.</summary>
    public Tensor Of(Linear original) => _recorders[original].Moment;

    /// <inheritdoc/>
    public void Dispose()
    {
        _originals.CopyTo(_layers, 0);
        foreach (var r in _all) r.Dispose();
    }

    private RecordingLinear Record(Linear original)
    {
        var recorder = new RecordingLinear(original);
        _recorders[original] = recorder;
        _all.Add(recorder);
        return recorder;
    }
}
