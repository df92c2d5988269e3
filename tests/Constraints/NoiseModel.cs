using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation;
using D2Pruner.AI.Runtime.Generation.Constraints;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Tests.Constraints;

/// <summary>Logits of pure noise over a real tokenizer: without a constraint its answers are rubbish.</summary>
internal sealed class NoiseModel
{
    private readonly ConstraintCache _cache;
    private readonly int _rows;

    public NoiseModel(string fixture, params int[] stopIds)
        : this(TokenizerLoader.Load(Path.Combine(FixtureFolders.Copies!, fixture, "model")), stopIds)
    {
    }

    public NoiseModel(ITokenizer tokenizer, params int[] stopIds)
    {
        (Tokenizer, StopIds) = (tokenizer, stopIds.ToHashSet());
        _cache = new ConstraintCache(Tokenizer, StopIds);
        _rows = Tokenizer.VocabularySize + 37;
    }

    public static NoiseModel SentencePiece { get; } = new("llava-1.5-a", 2);

    /// <summary>Byte-level; one of its stop ids is the token of a single byte.</summary>
    public static NoiseModel ByteLevel { get; } = new("qwen2.5-vl-nested", 192, 440, 442);

    public ITokenizer Tokenizer { get; }

    public IReadOnlySet<int> StopIds { get; }

    public ConstraintCache Cache => _cache;

    public Answer Answer(Grammar grammar, int seed, int maxTokens, bool greedy = false, Action<float[]>? shape = null)
    {
        var random = new Random(seed);
        var logits = new float[_rows];
        void Fill()
        {
            for (var i = 0; i < logits.Length; i++) logits[i] = (float)(random.NextDouble() * 6);
            shape?.Invoke(logits);
        }

        Fill();
        var settings = new GenerationDefaults { StopIds = StopIds }.Merge(
            new GenerationSettings { MaxNewTokens = maxTokens, Temperature = greedy ? 0 : 1, Seed = seed });
        var answer = new Answer(settings, [], Tokenizer, 100000, _ => { }, _cache.Create(grammar));
        while (answer.Accept(logits)) Fill();
        return answer;
    }

    public static Grammar Schema(string json, bool strict = true) => Schema(JsonDocument.Parse(json).RootElement.Clone(), strict);

    public static Grammar Schema(JsonElement json, bool strict = true) =>
        Grammar.Create(new AnswerShape { Json = true, Schema = json, Strict = strict })!;
}
