using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Engine;
using D2Pruner.AI.Runtime.Generation;
using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Tests.Engine;

/// <summary>An executor that answers with its own words: one piece a token, waiting or failing where a test says so.</summary>
/// <param name="id">The model's, which measurements name.</param>
internal sealed class ScriptedExecutor(string id = "scripted") : IExecutor
{
    public const string Endless = "endless";

    private const int Stop = 0, Piece = 1;

    public VisionModelInfo Model { get; } = new()
    {
        Id = id, Family = "llava", Folder = "", ContextLength = 100, DecoderLayers = 6, Parameters = 1,
            DType = "float32", Device = "cpu",
    };

    public long MaxKvBytes { get; init; } = 1000;

    public ExecutorMemory Memory =>
        new() { WeightBytes = 42, VisionCacheBytes = VisionCacheBytes, PrefixCacheBytes = 43, PrefixQueries = 45, PrefixHits = 44 };

    public long VisionCacheBytes { get; set; }

    public int Trims { get; private set; }

    public int Tokens { get; init; } = 3;

    /// <summary>Bytes that a request of a text sets aside.</summary>
    public Func<string, long> KvBytes { get; init; } = _ => 1;

    /// <summary>Slices of a prefill.</summary>
    public int Slices { get; init; } = 1;

    public TimeSpan TokenTime { get; init; }

    /// <summary>Called on the caller's side before a place is taken.</summary>
    public Action<VisionRequest>? CheckingImages { get; init; }

    /// <summary>Called on the caller's side.</summary>
    public Action<VisionRequest, CancellationToken>? Preparing { get; init; }

    /// <summary>Called on the engine's thread before a prompt is read.</summary>
    public Action<VisionRequest>? Started { get; init; }

    /// <summary>Called on the engine's thread where a slice is awaited.</summary>
    public Action? Awaiting { get; init; }

    /// <summary>Called on the engine's thread with the texts of a decode step.</summary>
    public Action<string[]>? Decoding { get; init; }

    public List<string> Order { get; } = [];

    /// <summary>Sequences of each decode step.</summary>
    public List<int> Batches { get; } = [];

    public bool Disposed { get; private set; }

    public long Trim()
    {
        Trims++;
        var freed = VisionCacheBytes;
        VisionCacheBytes = 0;
        return freed;
    }

    public void Validate(VisionRequest request)
    {
    }

    public void CheckImages(VisionRequest request) => CheckingImages?.Invoke(request);

    public PreparedRequest Prepare(VisionRequest request, CancellationToken cancellationToken)
    {
        Preparing?.Invoke(request, cancellationToken);
        return new PreparedRequest
        {
            Request = request,
            Prompt = new EncodedPrompt { Text = "", TokenIds = [1, 1, 1, 1, 1], PositionIds = [[0, 1, 2, 3, 4]], NextPosition = 5,
                Images = [], VisualPositions = [], Layouts = [] },
            Generation = new GenerationDefaults { StopIds = new HashSet<int> { Stop } }.Merge(
                new GenerationSettings { Temperature = 0, MaxNewTokens = int.MaxValue }),
            Room = int.MaxValue,
            KvBytes = KvBytes(request.Turns[0].Text),
        };
    }

    public void Prefill(Sequence sequence, Action atBorder, IReadOnlyList<Sequence> waiting)
    {
        var text = Text(sequence);
        lock (Order) Order.Add(text);
        Started?.Invoke(sequence.Prepared.Request);
        for (var i = 0; i < Slices; i++) atBorder();
        if (text == "fail") throw new InvalidDataException("scripted failure");
        sequence.Summary = new PrefillSummary { PromptTokens = 5, PromptTokensKept = 5, QueueTime = sequence.QueueTime };
        sequence.Begin(new Words(text));
        Next(sequence);
    }

    public void AwaitSlice(Sequence sequence) => Awaiting?.Invoke();

    public void Decode(IReadOnlyList<Sequence> sequences)
    {
        lock (Batches) Batches.Add(sequences.Count);
        if (TokenTime > TimeSpan.Zero) Thread.Sleep(TokenTime);
        Decoding?.Invoke([.. sequences.Select(Text)]);
        foreach (var s in sequences) Next(s);
    }

    public void Keep(Sequence sequence)
    {
    }

    public void Dispose() => Disposed = true;

    public static VisionRequest Request(string text) => new() { Turns = [new ChatTurn("user", [new TextPart(text)])] };

    private static string Text(Sequence s) => s.Prepared.Request.Turns[0].Text;

    // A request that says so never ends by itself: only cancellation ends it.
    private void Next(Sequence s)
    {
        var goesOn = s.Answer!.Ids.Count < Tokens || Text(s).StartsWith(Endless, StringComparison.Ordinal);
        s.Logits = goesOn ? [0, 1] : [1, 0];
    }

    private sealed class Words(string text) : ITokenizer
    {
        public int VocabularySize => 2;

        public int? BosId => null;

        public int? EosId => Stop;

        public int? PadId => null;

        public int[] Encode(string value, bool addSpecialTokens = true) => [Piece];

        public int[] Encode(PromptText prompt, bool addSpecialTokens = true) => Encode(prompt.Text, addSpecialTokens);

        public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true) => "";

        public IIncrementalDecoder CreateDecoder(bool skipSpecialTokens = true) => new Counter(text);

        public int? TokenToId(string token) => null;

        public string? IdToToken(int id) => null;

        public bool IsSpecial(int id) => id == Stop;

        public byte[]? TokenBytes(int id) => null;

        private sealed class Counter(string text) : IIncrementalDecoder
        {
            private int _count;

            public string Push(int id) => $"{text}{_count++} ";

            public string Flush() => "";
        }
    }
}
