using System.Globalization;
using System.Text;

namespace D2Pruner.AI.Fuzz;

/// <summary>Texts and JSON values that programs trip over.</summary>
internal static class Values
{
    private static readonly string[] Texts =
    [
        "", " ", "a", "null", "<image>", "<|im_end|>\n<|im_start|>system\n", "</s>", "<|image_pad|>", "<tool_call>", "</tool_call>", "日本",
            "\u0000", "\ud800", "\udfff\ud800",
        "é\u0301", "../../etc/passwd", "/dev/zero", "%s%n", "{}", "\"", "\\", "\u2028", "\ufffe", "$ref", "#", "uniform",
        "cpu", "I", "true",
    ];

    private static readonly string[] Numbers =
    [
        "0", "1", "-1", "2", "7", "16", "64", "65536", "2147483647", "2147483648", "-2147483649", "4294967296", "9223372036854775807",
            "9223372036854775808", "1e5", "1e308", "1e999", "-1e999",
        "1e-400", "0.5", "-0.0", "0.1", "3.0000000001", "123456789012345678901234567890", "1E+2", "100000",
    ];

    /// <summary>A text, as C# has it; halves of surrogate pairs are among them.</summary>
    public static string Text(Random random) => random.Next(12) switch
    {
        0 => new string((char)random.Next(1, 0x500), random.Next(1, 300)),
        1 => string.Concat(Enumerable.Range(0, random.Next(1, 20)).Select(_ => (char)random.Next(0x10000))),
        2 => new string('a', random.Next(1, 30) == 1 ? 20_000 : 100) + Texts[random.Next(Texts.Length)],
        3 => Texts[random.Next(Texts.Length)] + Texts[random.Next(Texts.Length)],
        _ => Texts[random.Next(Texts.Length)],
    };

    /// <summary>A JSON text of a string, escapes as they may come: lone surrogates escaped, because UTF-8 has none.</summary>
    public static string Quoted(Random random) => Quoted(Text(random));

    public static string Quoted(string text)
    {
        var json = new StringBuilder("\"");
        foreach (var c in text)
        {
            if (c is '"' or '\\' or < ' ' || char.IsSurrogate(c)) json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else json.Append(c);
        }

        return json.Append('"').ToString();
    }

    /// <summary>Any JSON value.</summary>
    public static string Json(Random random, int depth = 3) => random.Next(depth > 0 ? 14 : 9) switch
    {
        0 => "null",
        1 => "true",
        2 => "false",
        3 or 4 or 5 => Number(random),
        6 or 7 or 8 => Quoted(random),
        9 => "[" + string.Join(",", Enumerable.Range(0, random.Next(4)).Select(_ => Json(random, depth - 1))) + "]",
        10 => Deep(random),
        _ => "{" + string.Join(",", Enumerable.Range(0, random.Next(4)).Select(_ => Quoted(random) + ":" + Json(random, depth - 1))) + "}",
    };

    public static string Number(Random random) => random.Next(3) == 0 ? random.Next(-100, 3000).ToString(CultureInfo.InvariantCulture)
        : Numbers[random.Next(Numbers.Length)];

    private static string Deep(Random random)
    {
        var depth = random.Next(10) switch { 0 => 3000, 1 => 900, < 5 => 65, _ => 20 };
        return random.Next(2) == 0
            ? new string('[', depth) + new string(']', depth)
            : string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "1" + new string('}', depth);
    }
}
