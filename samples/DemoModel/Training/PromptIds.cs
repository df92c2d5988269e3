using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>Token ids of a question as the chat template renders it: what precedes the picture, and
/// what follows it with the answer.</summary>
internal sealed class PromptIds
{
    private readonly ITokenizer _tokenizer;
    private readonly IChatTemplate _template;
    private readonly int _image;

    public PromptIds(ITokenizer tokenizer, IChatTemplate template)
    {
        (_tokenizer, _template) = (tokenizer, template);
        _image = tokenizer.TokenToId("<image>")!.Value;
        First = Coordinates(true);
        Others = Coordinates(false);
        var ids = tokenizer.Encode(Render("x"));
        Prefix = Array.ConvertAll(ids[..Array.IndexOf(ids, _image)], i => (long)i);
    }

    /// <summary>Ids before the picture; the first is BOS.</summary>
    public long[] Prefix { get; }

    /// <summary>Ids of a box's first coordinate, 0.00 to 1.00.</summary>
    public int[] First { get; }

    /// <summary>Ids of its other coordinates.</summary>
    public int[] Others { get; }

    /// <summary>The number that an id stands for in a box, and the ids of its kind; -1 if it is no number of a box.</summary>
    public (int[] Family, int Value) Coordinate(int id)
    {
        var family = Array.IndexOf(First, id) >= 0 ? First : Others;
        return (family, Array.IndexOf(family, id));
    }

    public int Vocabulary => _tokenizer.VocabularySize;

    public int EndId => _tokenizer.EosId!.Value;

    /// <summary>Ids after the picture and how many of them are the prompt's; the rest is the answer with its end.</summary>
    /// <param name="question">What is asked.</param>
    /// <param name="answer">What is to be learnt.</param>
    /// <param name="before">An earlier question about the same picture, with its answer.</param>
    public (int[] Ids, int Prompt) Encode(string question, string answer, (string Question, string Answer)? before = null)
    {
        var prompt = Render(question, before);
        var ids = _tokenizer.Encode(prompt);
        var whole = _tokenizer.Encode($"{prompt} {answer}");
        var start = Array.IndexOf(ids, _image) + 1;
        if (!whole.AsSpan().StartsWith(ids)) throw new InvalidOperationException($"The ids of '{prompt}' change when '{answer}' follows.");
        return ([.. whole[start..], EndId], ids.Length - start);
    }

    private string Render(string question, (string Question, string Answer)? before = null)
    {
        ChatTurn Seen(string text) => new("user", [new ImagePart(ReadOnlyMemory<byte>.Empty), new TextPart(text)]);
        return _template.Render(before is not { } b ? [Seen(question)]
            : [Seen(b.Question), new ChatTurn("assistant", [new TextPart(b.Answer)]), new ChatTurn("user", [new TextPart(question)])]);
    }

    private int[] Coordinates(bool first) => [.. Enumerable.Range(0, 101).Select(i =>
        _tokenizer.TokenToId(Tokens.DemoTokenizer.Coordinate(i, first))
            ?? throw new InvalidOperationException("The tokenizer lacks a coordinate."))];
}
