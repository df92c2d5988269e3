using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;

namespace D2Pruner.AI.Benchmarks;

/// <summary>Stream bandwidth: how fast all threads together can read weights, doing next to nothing with them.</summary>
internal static unsafe class Bandwidth
{
    private static long _sink;

    /// <summary>Bytes per second over the large weights of all layers.</summary>
    public static double Measure(DecoderWeights weights)
    {
        long bytes = 0;
        var watch = Stopwatch.StartNew();
        foreach (var layer in weights.Layers)
        {
            foreach (var linear in new[] { layer.Query, layer.Key, layer.Value, layer.Output, layer.Gate, layer.Up, layer.Down })
                bytes += Read(((DenseLinear)linear).Weight);
        }

        return bytes / watch.Elapsed.TotalSeconds;
    }

    /// <summary>Reads a tensor once with all threads.</summary>
    public static long Read(torch.Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU) return tensor.NumberOfElements * 2;
        var span = tensor.bytes;
        var threads = Math.Max(1, Math.Min(torch.get_num_threads(), Environment.ProcessorCount));
        fixed (byte* start = span)
        {
            var (address, length) = ((nint)start, (long)span.Length);
            Parallel.For(0, threads, t =>
            {
                var from = length * t / threads / 256 * 256;
                var to = t == threads - 1 ? length / 256 * 256 : length * (t + 1) / threads / 256 * 256;
                var p = (byte*)address;
                var (a, b, c, d) = (Vector512<long>.Zero, Vector512<long>.Zero, Vector512<long>.Zero, Vector512<long>.Zero);
                for (var i = from; i < to; i += 256)
                {
                    a ^= Vector512.Load((long*)(p + i));
                    b ^= Vector512.Load((long*)(p + i + 64));
                    c ^= Vector512.Load((long*)(p + i + 128));
                    d ^= Vector512.Load((long*)(p + i + 192));
                }

                Interlocked.Add(ref _sink, Vector512.Sum(a ^ b ^ c ^ d));
            });
        }

        return span.Length;
    }
}
