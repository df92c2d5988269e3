using System.Text;

namespace D2Pruner.AI.Evaluation.Data.Rows;

/// <summary>Python list literals of strings, as VLMEvalKit's TSV keeps several answers: single or double quotes, with escapes.</summary>
internal static class PythonLiteral
{
    /// <summary>The strings of a literal such as <c>['a', "it's"]</c>; numbers are kept as written.</summary>
    /// <exception cref="RowException">The text is no such list.</exception>
    public static List<string> Strings(string text)
    {
        var (items, i) = (new List<string>(), 0);
        text = text.Trim();
        if (text.Length < 2 || text[0] != '[' || text[^1] != ']') throw new RowException("answers are no Python list");
        for (i = 1; i < text.Length - 1;)
        {
            var c = text[i];
            if (c is ' ' or ',' or '\n')
            {
                i++;
                continue;
            }

            if (c is '\'' or '"')
            {
                items.Add(Quoted(text, ref i));
                continue;
            }

            var end = text.IndexOf(',', i) is var e && e >= 0 ? e : text.Length - 1;
            items.Add(text[i..end].Trim());
            i = end;
        }

        return items;
    }

    private static string Quoted(string text, ref int i)
    {
        var (quote, value) = (text[i++], new StringBuilder());
        for (; i < text.Length - 1; i++)
        {
            if (text[i] == quote)
            {
                i++;
                return value.ToString();
            }

            if (text[i] != '\\')
            {
                value.Append(text[i]);
                continue;
            }

            i++;
            switch (text[i])
            {
                case 'n': value.Append('\n'); break;
                case 't': value.Append('\t'); break;
                case 'r': value.Append('\r'); break;
                case 'x': value.Append((char)Hex(text, i + 1, 2)); i += 2; break;
                case 'u': value.Append((char)Hex(text, i + 1, 4)); i += 4; break;
                case 'U': value.Append(char.ConvertFromUtf32(Hex(text, i + 1, 8))); i += 8; break;
                default: value.Append(text[i]); break;
            }
        }

        throw new RowException("a quote in a Python list is not closed");
    }

    private static int Hex(string text, int start, int length) =>
        start + length <= text.Length
            && int.TryParse(text.AsSpan(start, length), System.Globalization.NumberStyles.HexNumber, null, out var value) ? value
            : throw new RowException("a Python list has a broken escape");
}
