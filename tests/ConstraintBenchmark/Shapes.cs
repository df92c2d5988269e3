using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation.Constraints;

namespace D2Pruner.AI.ConstraintBenchmark;

/// <summary>The grammars that are timed.</summary>
internal static class Shapes
{
    private const string Boxes = """
        {"type":"object","properties":{"boxes":{"type":"array","items":{"type":"object","properties":{"label":{"type":"string"},
        "bbox_2d":{"type":"array","items":{"type":"integer","minimum":0,"maximum":4096},"minItems":4,"maxItems":4}},"required":["label","bbox_2d"]}}},"required":["boxes"]}
        """;

    public static IEnumerable<(string Name, Grammar Grammar)> All()
    {
        yield return ("JSON mode", Grammar.Create(new AnswerShape { Json = true })!);
        yield return ("boxes schema", Schema(Boxes));
        yield return ("string of 2000", Schema("{\"type\":\"string\",\"minLength\":2000,\"maxLength\":2000}"));
        yield return ("optional tools",
            Grammar.Create(new AnswerShape { Tools = [
                new ChatTool("locate", null, Boxes),
                new ChatTool("say", null, "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}}}")] })!);
    }

    public static Grammar Schema(string json) =>
        Grammar.Create(new AnswerShape { Json = true, Schema = JsonDocument.Parse(json).RootElement.Clone() })!;
}
