using System.Text.Json;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>Damaged tokenizers of every form, and a text through each that loads. The first byte names the form.</summary>
internal sealed class TokenizerTarget : FileTarget
{
    private const string Sample = "Hello wörld 日本 <image>\n</s> 12 \ud83d\ude00";

    private static readonly (string Fixture, string File)[] Forms =
    [
        ("llava-1.5-a", "tokenizer.json"), ("qwen2.5-vl-nested", "tokenizer.json"), ("llava-1.5-a", "tokenizer_config.json"),
            ("qwen2.5-vl-nested", "tokenizer_config.json"),
        ("internvl-internlm2", "tokenizer.model"), ("internvl-internlm2", "added_tokens.json"),
        ("internvl-internlm2", "special_tokens_map.json"),
    ];

    private readonly byte[][] _sound;
    private readonly JsonElement?[] _json;

    public TokenizerTarget()
    {
        foreach (var fixture in Forms.Select(f => f.Fixture).Distinct()) CopySmallFiles(fixture, Path.Combine(Folder, fixture));
        _sound = [.. Forms.Select(f => File.ReadAllBytes(Path.Combine(Folder, f.Fixture, f.File)))];
        _json = [.. Forms.Select(
            (f, i) => f.File.EndsWith(".json", StringComparison.Ordinal) ? JsonDocument.Parse(_sound[i]).RootElement.Clone()
            : (JsonElement?)null)];
    }

    public override string Name => "tokenizer";

    public override long AllocationLimit => 64L << 20;

    public override byte[] Make(Random random)
    {
        var form = random.Next(Forms.Length);
        return [(byte)form, .. _json[form] is { } json ? JsonMutator.Mutate(random, json) : ByteMutator.Mutate(random, _sound[form])];
    }

    public override void Run(byte[] input)
    {
        if (input.Length < 1) return;
        var form = input[0] % Forms.Length;
        var folder = Path.Combine(Folder, Forms[form].Fixture);
        var path = Path.Combine(folder, Forms[form].File);
        File.WriteAllBytes(path, input[1..]);
        try
        {
            var tokenizer = TokenizerLoader.Load(folder);
            var ids = tokenizer.Encode(Sample);
            if (ids.Any(id => id < 0 || id >= tokenizer.VocabularySize)) throw new FuzzFailure("An id beyond the vocabulary came out.");
            tokenizer.Decode(ids);
            var decoder = tokenizer.CreateDecoder();
            foreach (var id in ids) decoder.Push(id);
            decoder.Flush();
        }
        finally
        {
            File.WriteAllBytes(path, _sound[form]);
        }
    }
}
