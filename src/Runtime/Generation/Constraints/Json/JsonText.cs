using System.Text.Json;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Generation.Constraints.Json;

/// <summary>Fixed JSON values as models write them: <c>", "</c> and <c>": "</c>, characters not escaped where they need
/// not be, numbers as they stand.</summary>
internal static class JsonText
{
    public static string Write(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "{"
            + string.Join(", ", value.EnumerateObject().Select(p => PythonJson.Quote(p.Name) + ": " + Write(p.Value))) + "}",
        JsonValueKind.Array => "[" + string.Join(", ", value.EnumerateArray().Select(Write)) + "]",
        JsonValueKind.String => PythonJson.Quote(value.GetString()!),
        _ => value.GetRawText(),
    };
}
