using System.Globalization;
using System.Numerics;

namespace D2Pruner.AI.Runtime.Generation.Constraints.Json;

/// <summary>Numbers between bounds, digit by digit and exact.</summary>
internal sealed class NumberRanges(GrammarBuilder b, JsonGrammar json)
{
    /// <summary>Largest magnitude of a bound; wider ones are narrowed to it.</summary>
    public static readonly BigInteger Limit = BigInteger.Pow(10, 18);

    /// <summary>The integers from low to high.</summary>
    public GrammarNode Integers(BigInteger low, BigInteger high)
    {
        var options = new List<GrammarNode>();
        if (low < 0) options.Add(b.Sequence(b.Literal("-"), Naturals(BigInteger.Max(1, -high), -low)));
        if (high >= 0) options.Add(Naturals(BigInteger.Max(0, low), high));
        return low > high ? b.Never() : b.Choice([.. options]);
    }

    /// <summary>The numbers between two integers, without exponents.</summary>
    public GrammarNode Reals(BigInteger low, bool withoutLow, BigInteger high, bool withoutHigh)
    {
        var options = new List<GrammarNode>();
        // -0 is left out.
        if (low < 0) options.Add(
            b.Sequence(b.Literal("-"), Magnitudes(BigInteger.Max(0, -high), high >= 0 || withoutHigh, -low, withoutLow)));
        if (high >= 0) options.Add(Magnitudes(BigInteger.Max(0, low), low >= 0 && withoutLow, high, withoutHigh));
        return b.Choice([.. options]);
    }

    private GrammarNode Magnitudes(BigInteger low, bool withoutLow, BigInteger high, bool withoutHigh)
    {
        if (low > high || (low == high && (withoutLow || withoutHigh))) return b.Never();
        var options = new List<GrammarNode>();
        if (!withoutHigh)
            options.Add(b.Sequence(Naturals(high, high), b.Optional(b.Sequence(b.Literal("."), b.Repeat(b.Literal("0"), 1, 15)))));
        if (low < high)
        {
            var whole = withoutLow ? low + 1 : low;
            if (whole < high) options.Add(b.Sequence(Naturals(whole, high - 1), b.Optional(json.Fraction())));
            if (withoutLow)
                options.Add(b.Sequence(Naturals(low, low), b.Literal("."), b.Repeat(b.Literal("0"), 0, 7), b.Bytes('1', '9'),
                    b.Repeat(json.Digit, 0, 7)));
        }

        return b.Choice([.. options]);
    }

    private GrammarNode Naturals(BigInteger low, BigInteger high)
    {
        if (low > high) return b.Never();
        var options = new List<GrammarNode>();
        for (var length = Text(low).Length; length <= Text(high).Length; length++)
        {
            var least = length == 1 ? BigInteger.Zero : BigInteger.Pow(10, length - 1);
            var (from, to) = (BigInteger.Max(low, least), BigInteger.Min(high, BigInteger.Pow(10, length) - 1));
            options.Add(SameLength(Text(from), Text(to)));
        }

        return b.Choice([.. options]);
    }

    private GrammarNode SameLength(string low, string high)
    {
        var n = low.Length;
        if (n == 0) return b.Empty;
        if (low.All(c => c == '0') && high.All(c => c == '9')) return b.Repeat(json.Digit, n, n);
        if (low[0] == high[0]) return b.Sequence(b.Literal(low[..1]), SameLength(low[1..], high[1..]));
        var options = new List<GrammarNode>();
        var (from, to) = (low[0], high[0]);
        if (low[1..].Any(c => c != '0'))
        {
            options.Add(b.Sequence(b.Literal(low[..1]), SameLength(low[1..], new string('9', n - 1))));
            from++;
        }

        if (high[1..].Any(c => c != '9'))
        {
            options.Add(b.Sequence(b.Literal(high[..1]), SameLength(new string('0', n - 1), high[1..])));
            to--;
        }

        if (from <= to) options.Add(b.Sequence(b.Bytes(from, to), n == 1 ? b.Empty : b.Repeat(json.Digit, n - 1, n - 1)));
        return b.Choice([.. options]);
    }

    private static string Text(BigInteger value) => value.ToString(CultureInfo.InvariantCulture);
}
