using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Prompts;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>One image of a request: pixels for the tower, or a lease on features that are known.</summary>
/// <param name="key">Key in the feature cache: the image's bytes and what the processor makes of them.</param>
/// <param name="plan">Its plan.</param>
internal sealed class PreparedImage(string key, ImagePlan plan) : IDisposable
{
    private readonly Lock _gate = new();
    private VisionFeatureCache.Lease? _lease;
    private VisionOutput? _own;
    private bool _disposed;

    public string Key { get; } = key;

    public ImagePlan Plan { get; } = plan;

    /// <summary>The processed image; null where its features were known, and once they are.</summary>
    public ProcessedImage? Pixels { get; private set; }

    /// <summary>What the tower made of it; null while it has not run.</summary>
    public VisionOutput? Output => _own ?? _lease?.Output;

    public static PreparedImage Fresh(string key, ProcessedImage image) => new(key, image.WithoutPixels()) { Pixels = image };

    public static PreparedImage Known(string key, VisionFeatureCache.Lease lease) => new(key, lease.Image) { _lease = lease };

    /// <summary>Features that another request computed meanwhile.</summary>
    public void Take(VisionFeatureCache.Lease lease) => Take(lease, null);

    /// <summary>Features that the tower computed for this request; disposed with it.</summary>
    public void Take(VisionOutput output) => Take(null, output);

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            Free(_lease, _own);
            (_lease, _own, Pixels) = (null, null, null);
        }
    }

    // A waiting request may be cancelled on its caller's thread while the engine's computes for it.
    private void Take(VisionFeatureCache.Lease? lease, VisionOutput? own)
    {
        lock (_gate)
        {
            if (_disposed || Output is not null) Free(lease, own);
            else (_lease, _own, Pixels) = (lease, own, null);
        }
    }

    private static void Free(VisionFeatureCache.Lease? lease, VisionOutput? own)
    {
        lease?.Dispose();
        own?.Features.Dispose();
        foreach (var level in own?.Levels ?? []) level.Dispose();
    }
}
