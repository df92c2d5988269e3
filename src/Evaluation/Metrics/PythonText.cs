using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>Python's <c>str</c> and <c>float()</c>, by which the official metrics are defined: lengths in code points,
/// Unicode blanks, full case mapping.</summary>
internal static partial class PythonText
{
    /// <summary>The ASCII punctuation characters (<c>string.punctuation</c>).</summary>
    public const string AsciiPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /// <summary><c>str.isspace()</c>: .NET's set and the four separators U+001C to U+001F.</summary>
    public static bool IsSpace(char c) => c is >= '\x1c' and <= '\x1f' || char.IsWhiteSpace(c);

    /// <summary><c>str.strip()</c>.</summary>
    public static string Strip(string text)
    {
        var (start, end) = (0, text.Length);
        while (start < end && IsSpace(text[start])) start++;
        while (end > start && IsSpace(text[end - 1])) end--;
        return text[start..end];
    }

    /// <summary><c>str.split()</c>: words between runs of blanks.</summary>
    public static List<string> Split(string text)
    {
        var words = new List<string>();
        for (var i = 0; i < text.Length;)
        {
            while (i < text.Length && IsSpace(text[i])) i++;
            var start = i;
            while (i < text.Length && !IsSpace(text[i])) i++;
            if (i > start) words.Add(text[start..i]);
        }

        return words;
    }

    /// <summary><c>str.lower()</c>.</summary>
    public static string Lower(string text)
    {
        var builder = new StringBuilder(text.Length);
        Rune[] runes = [.. text.EnumerateRunes()];
        for (var i = 0; i < runes.Length; i++)
        {
            switch (runes[i].Value)
            {
                case 0x130: builder.Append("i\u0307"); break;
                case 0x3A3: builder.Append(IsFinalSigma(runes, i) ? '\u03C2' : '\u03C3'); break;
                default: builder.Append(Rune.ToLowerInvariant(runes[i]).ToString()); break;
            }
        }

        return builder.ToString();
    }

    /// <summary><c>str.upper()</c>.</summary>
    public static string Upper(string text) => string.Concat(text.EnumerateRunes().Select(PythonCase.ToUpper));

    /// <summary><c>str.capitalize()</c>: the first character title-cased, the rest lower.</summary>
    public static string Capitalize(string text)
    {
        if (text.Length == 0) return text;
        var first = Rune.GetRuneAt(text, 0);
        // Lower-cased with its neighbour in place, so that a final sigma sees it.
        var lowered = Lower(text)[Lower(first.ToString()).Length..];
        return PythonCase.ToTitle(first) + lowered;
    }

    /// <summary><c>len()</c>.</summary>
    public static int Length(string text) => text.EnumerateRunes().Count();

    /// <summary>The first code points, <c>text[:count]</c>.</summary>
    public static string First(string text, int count) => string.Concat(text.EnumerateRunes().Take(count).Select(r => r.ToString()));

    /// <summary>A code point, <c>text[index]</c>; null beyond the end.</summary>
    public static string? At(string text, int index)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (index-- == 0) return rune.ToString();
        }

        return null;
    }

    /// <summary>Removes every character that is one of a set.</summary>
    public static string Without(string text, string characters) => string.Concat(text.Where(c => !characters.Contains(c)));

    /// <summary><c>float(text)</c>: blanks around, <c>_</c> between digits, nan, inf, any script's digits.</summary>
    /// <returns>The number, or null where Python raises.</returns>
    public static double? ToFloat(string text)
    {
        var builder = new StringBuilder();
        foreach (var rune in Strip(text).EnumerateRunes())
        {
            builder.Append(Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber
                ? (char)('0' + (int)Rune.GetNumericValue(rune)) : rune.ToString());
        }

        var word = FloatWord().Match(builder.ToString());
        if (!word.Success) return null;
        var sign = word.Groups["sign"].Value == "-" ? -1 : 1;
        if (word.Groups["inf"].Success) return sign * double.PositiveInfinity;
        if (word.Groups["nan"].Success) return double.NaN;
        return sign * double.Parse(word.Groups["number"].Value.Replace("_", ""), NumberStyles.Float, CultureInfo.InvariantCulture);
    }

    /// <summary><c>round(value, 2)</c>: half to even on the exact binary value.</summary>
    public static double Round2(double value)
    {
        if (!double.IsFinite(value)) return value;
        // Only odd eighths are exact ties at two decimals; there .NET's format rounds away from zero and Python to even.
        if (Math.Abs(value) < 1e12 && value * 8 % 2 is 1 or -1)
            return Math.Round((decimal)value, 2, MidpointRounding.ToEven) is var d ? (double)d : value;
        return double.Parse(value.ToString("F2", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }

    /// <summary><c>f"{value:.2f}"</c>.</summary>
    public static string Format2(double value) => Round2(value).ToString("F2", CultureInfo.InvariantCulture);

    // Unicode's Final_Sigma: a cased letter before and none after, letting case-ignorable characters between pass.
    private static bool IsFinalSigma(Rune[] runes, int i)
    {
        var before = i - 1;
        while (before >= 0 && IsCaseIgnorable(runes[before])) before--;
        if (before < 0 || !IsCased(runes[before])) return false;
        var after = i + 1;
        while (after < runes.Length && IsCaseIgnorable(runes[after])) after++;
        return after == runes.Length || !IsCased(runes[after]);
    }

    private static bool IsCased(Rune r) => Rune.GetUnicodeCategory(r) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter
        or UnicodeCategory.TitlecaseLetter;

    private static bool IsCaseIgnorable(Rune r) =>
        r.Value is '\'' or '.' or ':' or 0xB7 or 0x2018 or 0x2019 or 0x2024 or 0x2027
        || Rune.GetUnicodeCategory(r) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
        or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;

    [GeneratedRegex(
        @"^(?<sign>[+-]?)(?:(?<inf>inf(?:inity)?)|(?<nan>nan)|(?<number>(?:[0-9](?:_?[0-9])*(?:\.(?:[0-9](?:_?[0-9])*)?)?" +
        @"|\.[0-9](?:_?[0-9])*)(?:e[+-]?[0-9](?:_?[0-9])*)?))\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex FloatWord();
}
