using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Native;

/// <summary>
/// Numbers stay what they are while the collector runs all the time. Before scalars were held, the same loop met native exceptions and
/// wrong numbers (docs/log.md says how many).
/// </summary>
[Collection(TorchCollection.Name)]
public sealed class AllocationPressureTests
{
    private const int Calls = 6_000;
    private const int LongestPause = 2_000; // spins, about a call's time

    public static TheoryData<string> Operations { get; } = ["strips", "plus", "times", "frequencies", "mask", "norm"];

    [Theory]
    [MemberData(nameof(Operations))]
    public void Results_StayTheSame(string operation)
    {
        using var mode = inference_mode();
        using var a = Values(48 * 32, 0.37f).reshape(48, 32);
        using var b = Values(48 * 32, 0.11f).reshape(48, 32);
        using var weight = Values(32, 0.5f);
        float[] Run()
        {
            using var scope = NewDisposeScope();
            switch (operation)
            {
                case "strips":
                    using (var strips = new CosineStrips(a, 16, 1 << 20)) return strips.LargestOffDiagonal(CancellationToken.None);
                case "plus": return a.Plus(b).data<float>().ToArray();
                case "times": return a.Times(1.5).data<float>().ToArray();
                case "frequencies": return Rotary.InverseFrequencies(64, 10000, CPU).data<float>().ToArray();
                case "mask": return Attention.CausalMask(16, CPU).data<float>().ToArray();
                default: return Norms.Rms(a, weight, 1e-6).data<float>().ToArray();
            }
        }

        var expected = Run();
        using var stop = new CancellationTokenSource();
        var begun = 0;
        var collector = new Thread(() =>
        {
            for (var seen = -1; !stop.IsCancellationRequested; seen = Volatile.Read(ref begun))
            {
                // In every call, at a moment of chance: without a pause, a collector leaves the calls hardly any time on two processors.
                var wait = new SpinWait();
                while (Volatile.Read(ref begun) == seen && !stop.IsCancellationRequested) wait.SpinOnce(-1);
                Thread.SpinWait(Random.Shared.Next(LongestPause));
                for (var i = 0; i < 100; i++) GC.KeepAlive(new byte[256]);
                GC.Collect(0, GCCollectionMode.Forced, blocking: true);
            }
        });
        collector.Start();
        var faults = new List<string>();
        for (var i = 0; i < Calls; i++)
        {
            Volatile.Write(ref begun, i);
            try
            {
                if (!Run().AsSpan().SequenceEqual(expected)) faults.Add($"call {i}: other numbers");
            }
            catch (Exception e)
            {
                faults.Add($"call {i}: {e.GetType().Name}: {e.Message.Split('\n')[0]}");
            }
        }

        stop.Cancel();
        collector.Join();
        Assert.True(faults.Count == 0, $"{faults.Count} of {Calls} calls: {string.Join('\n', faults.Take(5))}");
    }

    private static Tensor Values(int count, float step) => tensor(Enumerable.Range(0, count).Select(i => MathF.Sin(i * step)).ToArray());
}
