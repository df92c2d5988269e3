using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>
/// Takes an answer piece by piece and splits it into text and calls. Of a call nothing is handed out before it is complete; white space
/// around calls belongs to the markup. What looks like a call and is none comes out as the text it is.
/// </summary>
internal sealed class ToolCallReader(Action<string> malformed)
{
    private const string Begin = "<tool_call>";
    private const string End = "</tool_call>";
    private readonly StringBuilder _visible = new();
    private string _held = "";
    private bool _inCall;

    /// <summary>Number of calls so far.</summary>
    public int Calls { get; private set; }

    /// <summary>The text without calls, so far.</summary>
    public string VisibleText => _visible.ToString();

    /// <summary>Feeds a piece.</summary>
    /// <returns>What is now certain; often nothing.</returns>
    public List<AIContent> Push(string piece)
    {
        var contents = new List<AIContent>();
        _held += piece;
        while (_inCall ? ReadCall(contents) : ReadText(contents))
        {
        }

        return contents;
    }

    /// <summary>Ends the answer.</summary>
    /// <returns>What was held back.</returns>
    public List<AIContent> Flush()
    {
        var contents = new List<AIContent>();
        if (_inCall) Malformed(contents, Begin + _held, "the answer ended inside it");
        else if (Calls == 0 || !string.IsNullOrWhiteSpace(_held)) Text(contents, _held);
        (_held, _inCall) = ("", false);
        return contents;
    }

    // True where more can be read.
    private bool ReadText(List<AIContent> contents)
    {
        var at = _held.IndexOf(Begin, StringComparison.Ordinal);
        if (at >= 0)
        {
            Text(contents, _held[..at].TrimEnd());
            (_held, _inCall) = (_held[(at + Begin.Length)..], true);
            return true;
        }

        // An ending that could become a call's beginning waits, and so does white space before it.
        var keep = Math.Min(_held.Length, Begin.Length - 1);
        while (keep > 0 && !Begin.StartsWith(_held[^keep..], StringComparison.Ordinal)) keep--;
        var end = _held.AsSpan(0, _held.Length - keep).TrimEnd().Length;
        Text(contents, _held[..end]);
        _held = _held[end..];
        return false;
    }

    private bool ReadCall(List<AIContent> contents)
    {
        for (var from = 0; ;)
        {
            var at = _held.IndexOf(End, from, StringComparison.Ordinal);
            if (at < 0) return false;
            var json = _held[..at];
            if (Parse(json) is { } call)
            {
                Calls++;
                contents.Add(call);
            }
            else if (InsideString(_held[..(at + End.Length)]))
            {
                from = at + End.Length;
                continue;
            }
            else
            {
                Malformed(contents, Begin + json + End, "it is not an object with a name and arguments");
            }

            (_held, _inCall) = (_held[(at + End.Length)..], false);
            return true;
        }
    }

    private void Malformed(List<AIContent> contents, string text, string why)
    {
        malformed(why);
        Text(contents, text);
    }

    private void Text(List<AIContent> contents, string text)
    {
        if (text.Length == 0) return;
        _visible.Append(text);
        contents.Add(new TextContent(text));
    }

    private static FunctionCallContent? Parse(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("name", out var name)
                || name.ValueKind != JsonValueKind.String || name.GetString() is not { Length: > 0 } function) return null;
            var arguments = new Dictionary<string, object?>(StringComparer.Ordinal);
            if (root.TryGetProperty("arguments", out var given))
            {
                if (given.ValueKind != JsonValueKind.Object) return null;
                foreach (var p in given.EnumerateObject()) arguments[p.Name] = p.Value.Clone();
            }

            return new FunctionCallContent("call_" + Guid.NewGuid().ToString("N"), function, arguments);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    // Whether the closing mark stands in a string of JSON that is sound so far: then it is no mark.
    private static bool InsideString(string text)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text), isFinalBlock: false, default);
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
