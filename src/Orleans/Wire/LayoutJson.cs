using System.Text.Json;
using System.Text.Json.Serialization;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>A layout without what it computes from its grids.</summary>
internal sealed class LayoutJson : JsonConverter<VisualTokenLayout>
{
    public override VisualTokenLayout? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var form = JsonSerializer.Deserialize<Form>(ref reader, options)!;
        return new VisualTokenLayout(form.Components, form.Separators);
    }

    public override void Write(Utf8JsonWriter writer, VisualTokenLayout value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, new Form(value.Components, value.Separators), options);

    private sealed record Form(IReadOnlyList<GridComponent> Components, int[] Separators);
}
