using System.Diagnostics;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>Measures a prefill's pruning, and gives others their turn at borders without counting that time.</summary>
/// <param name="device">The decoder's device.</param>
/// <param name="atBorder">Called at borders; null for nothing.</param>
internal sealed class PrefillTimer(torch.Device device, Action? atBorder = null) : IPrefillObserver
{
    private readonly Stopwatch _all = Stopwatch.StartNew();
    private readonly Stopwatch _pruning = new();

    /// <summary>Time since the timer was made, without what others did at borders.</summary>
    public TimeSpan Elapsed => _all.Elapsed;

    /// <summary>Time spent on pruning.</summary>
    public TimeSpan PruneTime => _pruning.Elapsed;

    /// <inheritdoc/>
    public void AtBorder()
    {
        if (atBorder is null) return;
        _all.Stop();
        var pruning = _pruning.IsRunning;
        _pruning.Stop();
        try
        {
            atBorder();
        }
        finally
        {
            _all.Start();
            if (pruning) _pruning.Start();
        }
    }

    /// <summary>Within a border: waits for what the prompt's last slice launched, in the prompt's own time.</summary>
    public void AwaitSlice()
    {
        if (device.type != DeviceType.CUDA) return;
        _all.Start();
        torch.cuda.synchronize(device);
        _all.Stop();
    }

    /// <inheritdoc/>
    public void PruningStarts()
    {
        if (device.type == DeviceType.CUDA) torch.cuda.synchronize(device); // the layers before are not pruning time
        _pruning.Start();
    }

    /// <inheritdoc/>
    public void PruningEnds() => _pruning.Stop();
}
