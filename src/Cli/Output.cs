using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace D2Pruner.AI.Cli;

/// <summary>How the tool writes: JSON for programs, tables that do not wrap when piped for people.</summary>
internal static class Output
{
    private const int PipedWidth = 4096;
    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Text that is the same in every country.</summary>
    public static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Writes JSON to standard output: objects over lines, arrays of plain values on one.</summary>
    public static void Json(JsonNode node) => Console.WriteLine(Text(node));

    /// <summary>The text that <see cref="Json"/> writes.</summary>
    public static string Text(JsonNode? node)
    {
        var text = new StringBuilder();
        Append(text, node, "");
        return text.ToString();
    }

    public static Table Table(params string[] columns)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var c in columns) table.AddColumn(new TableColumn(Markup.Escape(c)) { NoWrap = Console.IsOutputRedirected });
        return table;
    }

    /// <summary>A table of names and values without a head.</summary>
    public static Table Facts() => Table("", "").HideHeaders();

    public static void AddEscaped(this Table table, params string[] cells) => table.AddRow([.. cells.Select(Markup.Escape)]);

    /// <summary>Writes a table; piped it is as wide as it needs to be.</summary>
    public static void Write(Table table)
    {
        var console = AnsiConsole.Console;
        if (Console.IsOutputRedirected && console.Profile.Width < PipedWidth) console.Profile.Width = PipedWidth;
        console.Write(table);
    }

    private static void Append(StringBuilder text, JsonNode? node, string indent)
    {
        var inner = indent + "  ";
        switch (node)
        {
            case JsonObject { Count: > 0 } o:
                text.Append('{');
                var first = true;
                foreach (var (key, value) in o)
                {
                    text.Append(first ? "\n" : ",\n").Append(inner).Append(JsonValue.Create(key).ToJsonString(Compact)).Append(": ");
                    Append(text, value, inner);
                    first = false;
                }

                text.Append('\n').Append(indent).Append('}');
                break;
            case JsonArray a when a.Any(v => v is JsonObject):
                text.Append('[');
                for (var i = 0; i < a.Count; i++)
                {
                    text.Append(i == 0 ? "\n" : ",\n").Append(inner);
                    Append(text, a[i], inner);
                }

                text.Append('\n').Append(indent).Append(']');
                break;
            case JsonArray a:
                text.Append('[');
                for (var i = 0; i < a.Count; i++)
                {
                    if (i > 0) text.Append(", ");
                    Append(text, a[i], inner);
                }

                text.Append(']');
                break;
            default:
                text.Append(node?.ToJsonString(Compact) ?? "null");
                break;
        }
    }
}
