using System.Text.Json;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Server;

/// <summary><c>tools</c>, <c>tool_choice</c>, <c>parallel_tool_calls</c> and <c>response_format</c>.</summary>
internal static class ToolsReader
{
    private const int MostTools = 128;

    public static void Read(JsonFields request, ChatOptions options)
    {
        foreach (var name in (string[])["functions", "function_call"])
            if (request.Find(name) is not null)
                throw RequestException.Bad(name, $"'{name}' is OpenAI's old form; use 'tools' and 'tool_choice'.", "unsupported");
        if (request.Array("tools") is { } tools && tools.GetArrayLength() > 0)
        {
            if (tools.GetArrayLength() > MostTools)
                throw RequestException.Bad("tools", $"'tools' holds {tools.GetArrayLength()} tools; at most {MostTools} are taken.");
            options.Tools = [.. tools.EnumerateArray().Select((tool, i) => Tool(tool, $"tools[{i}]"))];
            options.AllowMultipleToolCalls = request.Bool("parallel_tool_calls");
        }

        options.ToolMode = Choice(request, options.Tools);
        options.ResponseFormat = Format(request);
    }

    private static AITool Tool(JsonElement tool, string path)
    {
        if (tool.ValueKind != JsonValueKind.Object) throw JsonFields.Wrong(tool, path, "an object");
        var fields = new JsonFields(tool, path);
        if (fields.String("type") is { } type && type != "function")
            throw RequestException.Bad(
                fields.PathOf("type"), $"'{fields.PathOf("type")}' is not 'function'; only functions can be offered.", "unsupported");
        var function = fields.Object("function")
            ?? throw RequestException.Bad(
                fields.PathOf("function"), $"'{fields.PathOf("function")}' is missing; expected an object with a name.");
        var name = function.RequiredString("name");
        if (name.Length is 0 or > 64 || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-')))
            throw RequestException.Bad(
                function.PathOf("name"), $"'{function.PathOf("name")}' must have 1 to 64 letters, digits, '_' or '-'.");
        var parameters = function.Object("parameters") is { } schema ? schema.Element.Clone()
            : JsonElement.Parse("""{"type":"object","properties":{}}""");
        return AIFunctionFactory.CreateDeclaration(name, function.String("description") ?? "", parameters);
    }

    private static ChatToolMode? Choice(JsonFields request, IList<AITool>? tools)
    {
        const string field = "tool_choice";
        if (request.Find(field) is not { } choice) return null;
        if (choice.ValueKind == JsonValueKind.Object)
        {
            var named = new JsonFields(choice, field);
            if (named.String("type") is not ("function" or null))
                throw RequestException.Bad(
                    "tool_choice.type", "'tool_choice.type' is not 'function'; only functions can be chosen.", "unsupported");
            var name = (named.Object("function")
                ?? throw RequestException.Bad("tool_choice.function", "'tool_choice.function' is missing; expected an object with a name."))
                .RequiredString("name");
            if (tools?.Any(t => t.Name == name) != true)
                throw RequestException.Bad(field, $"'{field}' names a function that is not among 'tools'.");
            return ChatToolMode.RequireSpecific(name);
        }

        if (choice.ValueKind != JsonValueKind.String) throw request.Wrong(field, choice, "none, auto, required, or a named function");
        switch (JsonFields.Text(choice, field))
        {
            case "auto": return ChatToolMode.Auto;
            case "none": return ChatToolMode.None;
            case "required" when tools is { Count: > 0 }: return ChatToolMode.RequireAny;
            case "required": throw RequestException.Bad(field, $"'{field}' is 'required', but 'tools' is empty.");
            default: throw request.Wrong(field, choice, "none, auto, required, or a named function");
        }
    }

    private static ChatResponseFormat? Format(JsonFields request)
    {
        if (request.Object("response_format") is not { } format) return null;
        switch (format.RequiredString("type"))
        {
            case "text": return ChatResponseFormat.Text;
            case "json_object": return ChatResponseFormat.Json;
            case "json_schema":
                var named = format.Object("json_schema")
                    ?? throw RequestException.Bad(
                        format.PathOf("json_schema"),
                        $"'{format.PathOf("json_schema")}' is missing; expected an object with a name and a schema.");
                var schema = named.Object("schema")
                    ?? throw RequestException.Bad(
                        named.PathOf("schema"), $"'{named.PathOf("schema")}' is missing; expected a JSON schema.");
                return ChatResponseFormat.ForJsonSchema(Plain(schema.Element), named.String("name"), named.String("description"));
            default: throw RequestException.Bad(
                format.PathOf("type"), $"'{format.PathOf("type")}' is unknown; expected text, json_object or json_schema.");
        }
    }

    // The client takes a named schema with "$schema" for one that was made of a .NET type, and requires what may be left out.
    private static JsonElement Plain(JsonElement schema)
    {
        try
        {
            if (!schema.TryGetProperty("$schema", out _)) return schema.Clone();
            var kept = schema.EnumerateObject().Where(p => !p.NameEquals("$schema")).Select(p => p.ToString());
            return JsonElement.Parse("{" + string.Join(',', kept) + "}");
        }
        catch (InvalidOperationException)
        {
            return schema.Clone(); // Halves of surrogate pairs in a name: the client says so.
        }
    }
}
