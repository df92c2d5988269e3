using System.Text;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>What templates write prompts with: their own text, the text of messages, and images, told apart.</summary>
/// <param name="markup">Control tokens that messages may write too, because they only mark words and places (InternVL's
/// <c>&lt;ref&gt;</c>); null for none.</param>
internal sealed class PromptWriter(IReadOnlyCollection<string>? markup = null)
{
    private readonly StringBuilder _text = new();
    private readonly List<(int Start, int Length)> _messages = [];
    private readonly List<(int Start, int Length)> _images = [];

    /// <summary>Writes the template's own text, in which control tokens are meant.</summary>
    /// <param name="text">The text.</param>
    public PromptWriter Write(string text)
    {
        _text.Append(text);
        return this;
    }

    /// <summary>Writes what a message brought (text, names, descriptions, schemas, results): never more
    /// than text, whatever it spells.</summary>
    /// <param name="text">The text.</param>
    public PromptWriter Message(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length == 0) return this;
        if (_messages is [.., var last] && last.Start + last.Length == _text.Length)
            _messages[^1] = (last.Start, last.Length + text.Length);
        else _messages.Add((_text.Length, text.Length));
        _text.Append(text);
        return this;
    }

    /// <summary>Writes the place of an image.</summary>
    /// <param name="placeholder">The template's placeholder.</param>
    public PromptWriter Image(string placeholder)
    {
        ArgumentException.ThrowIfNullOrEmpty(placeholder);
        _images.Add((_text.Length, placeholder.Length));
        return Write(placeholder);
    }

    /// <summary>The prompt so far.</summary>
    public PromptText ToPrompt() => new(_text.ToString(), [.. _messages], [.. _images], markup ?? []);
}
