using System.Text.Json;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Server;

/// <summary><c>messages</c> as chat messages.</summary>
/// <param name="options">Limits.</param>
/// <param name="remoteImages">Whether the operator allows image addresses.</param>
internal sealed class MessagesReader(D2PrunerServerOptions options, bool remoteImages)
{
    private int _images;

    public List<ChatMessage> Read(JsonFields request)
    {
        if (request.Array("messages") is not { } messages)
            throw RequestException.Bad("messages", "'messages' is missing; expected an array of messages.");
        var count = messages.GetArrayLength();
        if (count == 0) throw RequestException.Bad("messages", "'messages' is empty; expected at least one message.");
        if (count > options.MaxMessages)
            throw RequestException.Bad("messages", $"'messages' holds {count} messages; this server takes at most {options.MaxMessages}.");
        var result = new List<ChatMessage>(count);
        var i = 0;
        foreach (var message in messages.EnumerateArray()) result.Add(Message(message, $"messages[{i++}]"));
        return result;
    }

    private ChatMessage Message(JsonElement element, string path)
    {
        if (element.ValueKind != JsonValueKind.Object) throw JsonFields.Wrong(element, path, "an object");
        var message = new JsonFields(element, path);
        var role = message.RequiredString("role");
        return role switch
        {
            "system" or "developer" => new ChatMessage(ChatRole.System, Contents(message, images: false)),
            "user" => new ChatMessage(ChatRole.User, Contents(message, images: true)),
            "assistant" => new ChatMessage(
                ChatRole.Assistant, [.. message.Find("content") is null ? [] : Contents(message, images: false), .. Calls(message)]),
            "tool" => new ChatMessage(
                ChatRole.Tool, [new FunctionResultContent(
                    message.RequiredString("tool_call_id"), Result(Contents(message, images: true)))]),
            "function" => throw RequestException.Bad(
                message.PathOf("role"), "The role 'function' is OpenAI's old form; use 'tool'.", "unsupported"),
            _ => throw RequestException.Bad(
                message.PathOf("role"), $"'{message.PathOf("role")}' is unknown; expected system, developer, user, assistant or tool."),
        };
    }

    private static object Result(IList<AIContent> contents) => contents is [TextContent only] ? only.Text : contents;

    private List<AIContent> Contents(JsonFields message, bool images)
    {
        var path = message.PathOf("content");
        var content = message.Find("content")
            ?? throw RequestException.Bad(path, $"'{path}' is missing; expected a string or an array of parts.");
        if (content.ValueKind == JsonValueKind.String) return [new TextContent(JsonFields.Text(content, path))];
        if (content.ValueKind != JsonValueKind.Array) throw JsonFields.Wrong(content, path, "a string or an array of parts");
        var parts = new List<AIContent>(content.GetArrayLength());
        var i = 0;
        foreach (var part in content.EnumerateArray()) parts.Add(Part(part, $"{path}[{i++}]", images));
        return parts;
    }

    private AIContent Part(JsonElement element, string path, bool images)
    {
        if (element.ValueKind != JsonValueKind.Object) throw JsonFields.Wrong(element, path, "an object");
        var part = new JsonFields(element, path);
        var type = part.RequiredString("type");
        switch (type)
        {
            case "text": return new TextContent(part.RequiredString("text"));
            case "refusal": return new TextContent(part.RequiredString("refusal"));
            case "image_url" when images: return Image(part);
            case "image_url": throw RequestException.Bad(
                part.PathOf("type"), "Images are taken in user and tool messages only.", "unsupported");
            case "input_audio" or "file": throw RequestException.Bad(
                part.PathOf("type"), $"Parts of type '{type}' are not taken; send text and images.", "unsupported");
            default: throw RequestException.Bad(part.PathOf("type"), $"'{part.PathOf("type")}' is unknown; expected text or image_url.");
        }
    }

    private AIContent Image(JsonFields part)
    {
        if (++_images > options.MaxImages)
            throw RequestException.Bad(
                "messages", $"The request holds more than {options.MaxImages} images, the limit of this server.", "too_many_images");
        var path = part.PathOf("image_url");
        var found = part.Find("image_url") ?? throw RequestException.Bad(path, $"'{path}' is missing; expected an object with a url.");
        // Some clients send the address itself.
        var (url, at) = found.ValueKind switch
        {
            JsonValueKind.String => (found, path),
            JsonValueKind.Object => (
                new JsonFields(found, path).Find("url")
                ?? throw RequestException.Bad($"{path}.url", $"'{path}.url' is missing; expected a data URL."), $"{path}.url"),
            _ => throw JsonFields.Wrong(found, path, "an object with a url"),
        };
        if (url.ValueKind != JsonValueKind.String) throw JsonFields.Wrong(url, at, "a string");
        AIContent image = DataUrl.Is(url) && DataUrl.Decode(url, at) is var (type, bytes) ? new DataContent(bytes, type)
            : new UriContent(Remote(url, at), "image/*");
        PruningReader.Read(part, image);
        return image;
    }

    private Uri Remote(JsonElement url, string path)
    {
        var text = JsonFields.Text(url, path);
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw RequestException.Bad(
                path, $"'{path}' is no data URL of an image; expected data:image/png;base64,...", "invalid_image_url");
        if (!remoteImages)
            throw RequestException.Bad(
                path, $"'{path}' is an address, and this server fetches none; send the image itself as data:image/png;base64,...",
                "invalid_image_url");
        return uri;
    }

    private static IEnumerable<AIContent> Calls(JsonFields message)
    {
        if (message.Array("tool_calls") is not { } calls) yield break;
        var i = 0;
        foreach (var element in calls.EnumerateArray())
        {
            var path = $"{message.PathOf("tool_calls")}[{i++}]";
            if (element.ValueKind != JsonValueKind.Object) throw JsonFields.Wrong(element, path, "an object");
            var call = new JsonFields(element, path);
            if (call.String("type") is not ("function" or null))
                throw RequestException.Bad(call.PathOf("type"), $"'{call.PathOf("type")}' is not 'function'.", "unsupported");
            var function = call.Object("function")
                ?? throw RequestException.Bad(
                    call.PathOf("function"), $"'{call.PathOf("function")}' is missing; expected an object with a name.");
            yield return new FunctionCallContent(call.RequiredString("id"), function.RequiredString("name"), Arguments(function));
        }
    }

    private static Dictionary<string, object?> Arguments(JsonFields function)
    {
        var path = function.PathOf("arguments");
        var text = function.String("arguments");
        if (string.IsNullOrWhiteSpace(text)) return [];
        try
        {
            using var json = JsonDocument.Parse(text, ServerJson.ReaderOptions);
            // Clients write the text "null" for a call without arguments.
            if (json.RootElement.ValueKind == JsonValueKind.Null) return [];
            if (json.RootElement.ValueKind == JsonValueKind.Object)
            {
                // The last of two equal names counts, as everywhere in JSON here.
                var arguments = new Dictionary<string, object?>(StringComparer.Ordinal);
                foreach (var property in json.RootElement.EnumerateObject()) arguments[property.Name] = property.Value.Clone();
                return arguments;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Told below.
        }

        throw RequestException.Bad(path, $"'{path}' is not the text of a JSON object.");
    }
}
