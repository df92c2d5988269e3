using System.Buffers;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models.InternVL;
using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Models.LlavaNext;
using D2Pruner.AI.Runtime.Models.Qwen25VL;
using Xunit;

namespace D2Pruner.AI.Tests.Imaging;

/// <summary>An image of 12 megapixels whose caller leaves while it is made ready: judged by the stages and rows that still happen, because
/// times prove nothing.</summary>
[Collection(TorchCollection.Name)]
public sealed class ImageCancellationTests
{
    private const int Width = 4000;
    private const int Height = 3000;

    private static readonly byte[] Png = TestPng.Write(Width, Height, 8, 0, [.. Enumerable.Repeat(new byte[Width], Height)]);

    public static TheoryData<string> Processors => ["llava", "llava_next", "qwen2_5_vl", "internvl"];

    [Fact]
    public void Decoding_EndsAtWhateverStageItIsCancelled()
    {
        var whole = new WatchedBytes(Png);
        ImageDecoder.Decode(whole.Memory);
        Assert.True(whole.Looks > 3);
        for (var stage = 1; stage <= whole.Looks; stage++)
        {
            using var source = new CancellationTokenSource();
            var watched = new WatchedBytes(Png) { Look = stage, Seen = () => source.CancelAsync() };
            var e = Assert.Throws<OperationCanceledException>(() => ImageDecoder.Decode(watched.Memory, null, source.Token));
            Assert.Equal(source.Token, e.CancellationToken);
        }
    }

    [Fact]
    public void Resizing_EndsAtTheRowWhereItIsCancelled()
    {
        using var source = new CancellationTokenSource();
        var rows = new WatchedRows(new byte[Width * Height * 3], row => { if (row == 10) source.Cancel(); });
        var e = Assert.Throws<OperationCanceledException>(() => PillowResizer.Resize(
            rows, 336, 336, ResampleFilter.Bicubic, new PixelWindow(0, 0, 336, 336), source.Token));
        Assert.Equal(source.Token, e.CancellationToken);
        Assert.Equal(11, rows.Seen);
    }

    [Theory]
    [MemberData(nameof(Processors))]
    public void EveryFamilysProcessor_PassesTheTokenOn(string family)
    {
        IImageProcessor processor = family switch
        {
            "llava" => new LlavaImageProcessor(new LlavaImageOptions()),
            "llava_next" => new LlavaNextImageProcessor(new LlavaNextImageOptions()),
            "qwen2_5_vl" => new Qwen2VLImageProcessor(new Qwen2VLImageOptions()),
            _ => new InternVLImageProcessor(new InternVLImageOptions()),
        };
        using var source = new CancellationTokenSource();
        source.Cancel();
        var image = new DecodedImage(Width, Height, new byte[Width * Height * 3]);
        var e = Assert.Throws<OperationCanceledException>(() => processor.Process(image, source.Token));
        Assert.Equal(source.Token, e.CancellationToken);
    }

    [Fact]
    public async Task ARequestThatIsCancelledMeanwhile_HasItsCallersToken_AndTheNextOneIsAnswered()
    {
        await using var engine = await VisionLanguageEngine.LoadAsync(
            new VisionModelOptions { ModelPath = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"), Device = "cpu" });
        var whole = new WatchedBytes(Png);
        var expected = await Ask(engine, whole.Memory, default);
        var runs = engine.GetStatus().VisionRuns;
        // Another image, so that nothing is known of it; the last look at its bytes is behind the native decoder.
        var other = TestPng.Write(Width, Height, 8, 0, [.. Enumerable.Repeat(Enumerable.Repeat((byte)9, Width).ToArray(), Height)]);
        using var source = new CancellationTokenSource();
        var watched = new WatchedBytes(other) { Look = whole.Looks, Seen = () => source.CancelAsync() };
        var e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Ask(engine, watched.Memory, source.Token));
        Assert.Equal(source.Token, e.CancellationToken);
        Assert.Equal(expected, await Ask(engine, Png, default));
        Assert.Equal((runs, 0), (engine.GetStatus().VisionRuns, engine.GetStatus().QueueLength));
    }

    private static async Task<string> Ask(IVisionEngine engine, ReadOnlyMemory<byte> image, CancellationToken cancellationToken)
    {
        var request = new VisionRequest { Turns = [new ChatTurn("user", [new ImagePart(image), new TextPart("What is this?")])],
            Generation = new GenerationSettings { MaxNewTokens = 3, Temperature = 0 } };
        await foreach (var e in engine.GenerateAsync(request, cancellationToken))
            if (e is GenerationCompleted done) return done.Result.Text;
        throw new InvalidOperationException("The answer has no end.");
    }

    /// <summary>Bytes that count how often they are looked at.</summary>
    private sealed class WatchedBytes(byte[] bytes) : MemoryManager<byte>
    {
        private readonly Memory<byte> _memory = bytes;
        private int _looks;

        public int Looks => Volatile.Read(ref _looks);

        /// <summary>The look at which something happens.</summary>
        public int Look { get; init; }

        public Func<Task> Seen { get; init; } = () => Task.CompletedTask;

        public override Span<byte> GetSpan()
        {
            Count();
            return _memory.Span;
        }

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            Count();
            return _memory[elementIndex..].Pin();
        }

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }

        private void Count()
        {
            if (Interlocked.Increment(ref _looks) == Look) _ = Seen();
        }
    }

    /// <summary>Rows that tell when they are read.</summary>
    private sealed class WatchedRows(byte[] rgb, Action<int> read)
        : PixelRows(rgb, ImageCancellationTests.Width, ImageCancellationTests.Height)
    {
        public int Seen { get; private set; }

        public override ReadOnlySpan<byte> this[int y]
        {
            get
            {
                Seen++;
                read(y);
                return base[y];
            }
        }
    }
}
