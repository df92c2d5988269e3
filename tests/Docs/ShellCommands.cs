using System.Text;

namespace D2Pruner.AI.Tests.Docs;

/// <summary>The commands of a piece of shell text: words without quotes, comments, redirections and variables set before a command. It
/// knows what the documents use, and is no shell.</summary>
internal sealed class ShellCommands
{
    private readonly List<string[]> _commands = [];
    private readonly List<string> _words = [];
    private readonly StringBuilder _word = new();
    private bool _inWord;

    private ShellCommands()
    {
    }

    /// <summary>In order; pipes, <c>&amp;&amp;</c>, <c>;</c> and lines separate them, <c>&lt;(...)</c> is one of its own.</summary>
    public static IReadOnlyList<string[]> Of(string text)
    {
        var reader = new ShellCommands();
        reader.Read(text.ReplaceLineEndings("\n").Replace("\\\n", " ", StringComparison.Ordinal));
        return [.. reader._commands.Select(Plain).Where(c => c.Length > 0)];
    }

    private void Read(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\'' or '"':
                    var end = text.IndexOf(text[i], i + 1);
                    if (end < 0) throw new FormatException($"A quote is not closed: {text}");
                    _word.Append(text, i + 1, end - i - 1);
                    (_inWord, i) = (true, end);
                    break;
                case '#' when !_inWord:
                    i = text.IndexOf('\n', i) is var line && line < 0 ? text.Length : line - 1;
                    break;
                case '<' when i + 1 < text.Length && text[i + 1] == '(':
                    EndCommand();
                    i++;
                    break;
                // A bracket that a word opened belongs to it.
                case '\n' or '|' or ';' or '&' or ')' when text[i] != ')' || !_word.ToString().Contains('('):
                    EndCommand();
                    break;
                case ' ' or '\t':
                    EndWord();
                    break;
                default:
                    _word.Append(text[i]);
                    _inWord = true;
                    break;
            }
        }

        EndCommand();
    }

    private void EndWord()
    {
        if (_inWord) _words.Add(_word.ToString());
        _word.Clear();
        _inWord = false;
    }

    private void EndCommand()
    {
        EndWord();
        if (_words.Count > 0) _commands.Add([.. _words]);
        _words.Clear();
    }

    private static string[] Plain(string[] words)
    {
        var start = words.TakeWhile(w => w.IndexOf('=') > 0 && char.IsLetter(w[0]) && !w.Contains(' ')).Count();
        var end = Array.FindIndex(words, w => w is ">" or "<" or "<<<");
        return words[start..(end < 0 ? words.Length : end)];
    }
}
