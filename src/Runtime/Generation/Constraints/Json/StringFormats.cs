using System.Globalization;

namespace D2Pruner.AI.Runtime.Generation.Constraints.Json;

/// <summary>The formats of strings that a grammar writes exactly; each is a subset that .NET parses.</summary>
internal sealed class StringFormats(GrammarBuilder b, JsonGrammar json)
{
    private const string TimeSpanPattern = @"^-?(\d+\.)?\d{2}:\d{2}:\d{2}(\.\d{1,7})?$";

    public static bool IsKnown(string format) => format is "date" or "time" or "date-time" or "uuid" or "ipv4" or "timespan";

    /// <summary>The format that .NET's schemas write as a pattern; null for any other.</summary>
    public static string? OfPattern(string? pattern) => pattern == TimeSpanPattern ? "timespan" : null;

    /// <summary>The quoted text of a known format.</summary>
    public GrammarNode Quoted(string format) => json.Quoted(format switch
    {
        "date" => Date(1, 9),
        "time" => Time(),
        "date-time" => b.Choice(
            b.Sequence(Date(1, 8), b.Literal("T"), Time(), b.Choice(b.Literal("Z"), Offset())),
            // The last millennium in UTC only: an offset could leave .NET's calendar.
            b.Sequence(Date(9, 9), b.Literal("T"), Time(), b.Literal("Z"))),
        "uuid" => b.Sequence(Hex(8), b.Literal("-"), Hex(4), b.Literal("-"), Hex(4), b.Literal("-"), Hex(4), b.Literal("-"), Hex(12)),
        "ipv4" => Address(),
        // Days of seven digits: fewer than .NET's longest.
        "timespan" => b.Sequence(
            b.Optional(b.Literal("-")),
            b.Optional(b.Sequence(b.Choice(b.Literal("0"), b.Sequence(b.Bytes('1', '9'), b.Repeat(json.Digit, 0, 6))), b.Literal("."))),
            Time()),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "unknown format"),
    });

    private GrammarNode Hex(int n) => b.Repeat(json.Hex, n, n);

    private GrammarNode Digits(int n) => b.Repeat(json.Digit, n, n);

    private GrammarNode Numbers(int from, int to) => b.Choice([.. Enumerable.Range(from, to - from + 1).Select(Two)]);

    // Years whose first digit lies in a range; February has its 29th in leap years.
    private GrammarNode Date(int low, int high)
    {
        GrammarNode Month(params int[] months) => b.Choice([.. months.Select(Two)]);
        var (dash, first) = (b.Literal("-"), b.Bytes('0' + low, '0' + high));
        var days = b.Choice(
            b.Sequence(Month(1, 3, 5, 7, 8, 10, 12), dash, Numbers(1, 31)),
            b.Sequence(Month(4, 6, 9, 11), dash, Numbers(1, 30)),
            b.Sequence(Month(2), dash, Numbers(1, 28)));
        var quarters = b.Choice([.. Enumerable.Range(1, 24).Select(i => Two(4 * i))]);
        var centuries = b.Choice([.. Enumerable.Range(10 * low, 10 * (high - low + 1)).Where(c => c % 4 == 0).Select(Two)]);
        return b.Choice(
            b.Sequence(first, Digits(3), dash, days),
            b.Sequence(b.Choice(b.Sequence(first, json.Digit, quarters), b.Sequence(centuries, b.Literal("00"))), b.Literal("-02-29")));
    }

    private GrammarNode Two(int n) => b.Literal(n.ToString("00", CultureInfo.InvariantCulture));

    // Without an offset, as .NET's TimeOnly reads and writes it; date-time adds one.
    private GrammarNode Time() => b.Sequence(
        Numbers(0, 23), b.Literal(":"), b.Bytes('0', '5'), json.Digit, b.Literal(":"), b.Bytes('0', '5'), json.Digit,
        b.Optional(b.Sequence(b.Literal("."), b.Repeat(json.Digit, 1, 7))));

    private GrammarNode Offset() => b.Sequence(b.Bytes("+-"), Numbers(0, 13), b.Literal(":"), b.Bytes('0', '5'), json.Digit);

    private GrammarNode Address()
    {
        var part = new NumberRanges(b, json).Integers(0, 255);
        return b.Sequence(part, b.Literal("."), part, b.Literal("."), part, b.Literal("."), part);
    }
}
