using System.Text.Json;
using System.Text.Json.Serialization;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation.Constraints;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>A grammar travels as the shape that it was compiled from, and is compiled again.</summary>
internal sealed class GrammarJson : JsonConverter<AnswerGrammar>
{
    public override AnswerGrammar? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var form = JsonSerializer.Deserialize<Form>(ref reader, options)!;
        using var schema = form.Schema is null ? null : JsonDocument.Parse(form.Schema);
        return Grammar.Create(new AnswerShape
        {
            Json = form.Json,
            Schema = schema?.RootElement.Clone(),
            Tools = form.Tools,
            ToolCalls = form.ToolCalls,
            SeveralCalls = form.SeveralCalls,
            Strict = form.Strict,
        });
    }

    public override void Write(Utf8JsonWriter writer, AnswerGrammar value, JsonSerializerOptions options)
    {
        var shape = ((Grammar)value).Shape;
        JsonSerializer.Serialize(writer, new Form(
            shape.Json, shape.Schema?.GetRawText(), shape.Tools, shape.ToolCalls, shape.SeveralCalls, shape.Strict), options);
    }

    // The schema as a text: its own spacing is part of a grammar's key.
    private sealed record Form(
        bool Json, string? Schema, IReadOnlyList<ChatTool> Tools, ToolCallRule ToolCalls, bool SeveralCalls, bool Strict);
}
