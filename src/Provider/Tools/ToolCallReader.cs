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
    private readonly StringBuilder _held = new();
    private bool _inCall;
    private int _searched; // where in a call its end is looked for next: what is behind is not looked at again

    /// <summary>Number of calls so far.</summary>
    public int Calls { get; private set; }

    /// <summary>The text without calls, so far.</summary>
    public string VisibleText => _visible.ToString();

    /// <summary>Feeds a piece.</summary>
    /// <returns>What is now certain; often nothing.</returns>
    public List<AIContent> Push(string piece)
    {
        var contents = new List<AIContent>();
        _held.Append(piece);
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
        var held = _held.ToString();
        if (_inCall) Malformed(contents, Begin + held, "the answer ended inside it");
        else if (Calls == 0 || !string.IsNullOrWhiteSpace(held)) Text(contents, held);
        _held.Clear();
        _inCall = false;
        return contents;
    }

    // True where more can be read.
    private bool ReadText(List<AIContent> contents)
    {
        var held = _held.ToString();
        var at = held.IndexOf(Begin, StringComparison.Ordinal);
        if (at >= 0)
        {
            Text(contents, held[..at].TrimEnd());
            _held.Remove(0, at + Begin.Length);
            (_inCall, _searched) = (true, 0);
            return true;
        }

        // An ending that could become a call's beginning waits, and so does white space before it.
        var keep = Math.Min(held.Length, Begin.Length - 1);
        while (keep > 0 && !Begin.StartsWith(held[^keep..], StringComparison.Ordinal)) keep--;
        var end = held.AsSpan(0, held.Length - keep).TrimEnd().Length;
        Text(contents, held[..end]);
        _held.Remove(0, end);
        return false;
    }

    private bool ReadCall(List<AIContent> contents)
    {
        while (true)
        {
            var at = _held.ToString(_searched, _held.Length - _searched).IndexOf(End, StringComparison.Ordinal);
            if (at < 0)
            {
                _searched = Math.Max(_searched, _held.Length - End.Length + 1);
                return false;
            }

            at += _searched;
            _searched = at + End.Length;
            var json = _held.ToString(0, at);
            if (Parse(json) is { } call)
            {
                Calls++;
                contents.Add(call);
            }
            else if (InsideString(json + End))
            {
                continue;
            }
            else
            {
                Malformed(contents, Begin + json + End, "it is not an object with a name and arguments");
            }

            _held.Remove(0, _searched);
            _inCall = false;
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
