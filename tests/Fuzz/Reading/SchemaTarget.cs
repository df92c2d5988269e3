using System.Text;
using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation.Constraints;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>JSON schemas to grammars, and a few tokens of noise under each: as an answer's format, and as a tool's parameters.</summary>
internal sealed class SchemaTarget : FuzzTarget
{
    private readonly ConstraintCache _constraints;
    private readonly int _rows;

    public SchemaTarget()
    {
        var tokenizer = TokenizerLoader.Load(Places.Model("llava-1.5-a"));
        _constraints = new ConstraintCache(tokenizer, new HashSet<int> { tokenizer.EosId ?? 2 });
        _rows = tokenizer.VocabularySize;
    }

    public override string Name => "schemas";

    public override long AllocationLimit => 256L << 20;

    public override byte[] Make(Random random)
    {
        var json = Encoding.UTF8.GetBytes(new SchemaMaker(random).Next());
        return random.Next(10) == 0 ? ByteMutator.Mutate(random, json) : json;
    }

    public override void Run(byte[] input)
    {
        JsonElement schema;
        string text;
        try
        {
            schema = JsonDocument.Parse(input, new JsonDocumentOptions { MaxDepth = 10_000 }).RootElement.Clone();
            text = input.Length % 3 == 2 ? schema.GetRawText() : "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return; // Not even JSON, or no text: a caller cannot hand it over.
        }

        // Which of the ways in depends on the input, so that it alone is enough to repeat it.
        var how = input.Length % 3;
        Follow(how == 2
            ? Grammar.Create(new AnswerShape { Tools = [new ChatTool("f", "", text)], ToolCalls = ToolCallRule.Required })
            : Grammar.Create(new AnswerShape { Json = true, Schema = schema, Strict = how == 1 }), input.Length);
    }

    private void Follow(Grammar? grammar, int seed)
    {
        if (grammar is null) return;
        var constraint = _constraints.Create(grammar);
        var random = new Random(seed);
        var logits = new float[_rows];
        for (var left = 12; left > 0 && !constraint.IsComplete; left--)
        {
            for (var i = 0; i < logits.Length; i++) logits[i] = random.NextSingle();
            constraint.Mask(logits, left);
            var best = 0;
            for (var i = 1; i < logits.Length; i++) if (logits[i] > logits[best]) best = i;
            if (best == 2) break;
            constraint.Accept(best);
        }
    }
}
