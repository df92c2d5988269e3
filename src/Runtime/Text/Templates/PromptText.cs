namespace D2Pruner.AI.Runtime.Text;

/// <summary>
/// A rendered prompt that knows whose text is whose: what a template wrote, and what messages brought. Only the template's own text can
/// become control tokens (<see cref="ITokenizer.Encode(PromptText, bool)"/>); the same characters in a message are ordinary text.
/// </summary>
internal sealed class PromptText
{
    private readonly (int Start, int Length)[] _messages;
    private readonly (int Start, int Length)[] _images;

    private readonly IReadOnlyCollection<string> _markup;

    internal PromptText(string text, (int Start, int Length)[] messages, (int Start, int Length)[] images,
        IReadOnlyCollection<string> markup) =>
        (Text, _messages, _images, _markup) = (text, messages, images, markup);

    /// <summary>The whole text, one placeholder per image.</summary>
    public string Text { get; }

    /// <summary>Where text of messages stands: in order, apart from each other, none empty.</summary>
    public IReadOnlyList<(int Start, int Length)> Messages => _messages;

    /// <summary>Where the placeholders of images stand, in order.</summary>
    public IReadOnlyList<(int Start, int Length)> Images => _images;

    /// <summary>Whether a control token may be made at a place: of the template's own text, or of markup that
    /// the family leaves to messages.</summary>
    /// <param name="token">The token's text.</param>
    /// <param name="start">Where it stands.</param>
    public bool MayBeControl(string token, int start)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _markup.Contains(token) || IsTemplate(start, token.Length);
    }

    /// <summary>Whether a stretch is the template's alone: no character of it came from a message.</summary>
    /// <param name="start">First character.</param>
    /// <param name="length">Characters, at least 1.</param>
    public bool IsTemplate(int start, int length)
    {
        var (low, high) = (0, _messages.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_messages[middle].Start + _messages[middle].Length <= start) low = middle + 1;
            else high = middle;
        }

        return low == _messages.Length || _messages[low].Start >= start + length;
    }

    /// <summary>The same prompt with other placeholders.</summary>
    /// <param name="placeholder">What stands for each image.</param>
    public PromptText WithImages(string placeholder)
    {
        ArgumentNullException.ThrowIfNull(placeholder);
        var writer = new PromptWriter(_markup);
        var (at, message) = (0, 0);
        foreach (var (start, length) in _images)
        {
            Copy(start);
            writer.Image(placeholder);
            at = start + length;
        }

        Copy(Text.Length);
        return writer.ToPrompt();

        void Copy(int end)
        {
            for (; message < _messages.Length && _messages[message].Start < end; message++)
            {
                var (start, length) = _messages[message];
                writer.Write(Text[at..start]).Message(Text.Substring(start, length));
                at = start + length;
            }

            writer.Write(Text[at..end]);
            at = end;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Text;
}
