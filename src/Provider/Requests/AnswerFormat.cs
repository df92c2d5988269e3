using System.Text.Json;
using D2Pruner.AI.Runtime.Generation.Constraints;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>ChatOptions.ResponseFormat, read and compiled.</summary>
/// <param name="Shape">What it asks for.</param>
/// <param name="Grammar">Its grammar; null for any text.</param>
/// <param name="Description">What the prompt says about it; null for nothing.</param>
internal sealed record AnswerFormat(AnswerShape Shape, Grammar? Grammar, string? Description)
{
    public static AnswerFormat Text { get; } = new(new AnswerShape(), null, null);

    /// <summary>Reads a format.</summary>
    /// <param name="format">The caller's; null asks for text.</param>
    /// <param name="strict">Refuse schemas that cannot be enforced as a whole.</param>
    /// <param name="unsupported">Where relaxed keywords are logged.</param>
    /// <exception cref="ArgumentException">The schema is broken or no value satisfies it.</exception>
    /// <exception cref="NotSupportedException">Strict, and the schema is outside the supported subset.</exception>
    public static AnswerFormat Read(ChatResponseFormat? format, bool strict, UnsupportedOptions unsupported)
    {
        if (format is not ChatResponseFormatJson json) return Text with { Shape = Text.Shape with { Strict = strict } };
        JsonElement? written = json.Schema is null ? null : TypedSchema.Close(json);
        var shape = new AnswerShape { Json = true, Schema = written, Strict = strict };
        var grammar = Grammar.Create(shape);
        unsupported.Relaxed(grammar!.Relaxed);
        var description = "Answer with JSON only, without any other text.";
        if (written is { } schema)
        {
            description = "Answer with JSON only, without any other text, that follows this JSON schema"
                + (string.IsNullOrWhiteSpace(json.SchemaDescription) ? "" : $" ({json.SchemaDescription.Trim()})") + ":\n"
                + CompactJson.Rewrite(schema);
        }

        return new AnswerFormat(shape, grammar, description);
    }
}
