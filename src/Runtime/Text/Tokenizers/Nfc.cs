using System.Globalization;
using System.Text;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>
/// Unicode normalisation form C from the project's own table: .NET's needs ICU and silently does nothing in globalization-invariant
/// mode, which containers use, and then ids would differ from the reference.
/// </summary>
internal static class Nfc
{
    private const int HangulBase = 0xAC00, LBase = 0x1100, VBase = 0x1161, TBase = 0x11A7, LCount = 19, VCount = 21, TCount = 28;

    private static readonly Dictionary<int, (int First, int Second)> Decompositions = [];
    private static readonly Dictionary<(int, int), int> Compositions = [];
    private static readonly Dictionary<int, byte> Classes = [];

    static Nfc()
    {
        using var stream = typeof(Nfc).Assembly.GetManifestResourceStream("D2Pruner.AI.Runtime.Text.NfcData.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line[0] == '#') continue;
            var f = line.Split(' ');
            int Hex(int i) => int.Parse(f[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (f[0] == "C")
            {
                for (var c = Hex(2); c <= Hex(3); c++) Classes[c] = byte.Parse(f[1], CultureInfo.InvariantCulture);
                continue;
            }

            Decompositions[Hex(1)] = (Hex(2), f.Length > 3 ? Hex(3) : -1);
            if (f[0] == "P") Compositions[(Hex(2), Hex(3))] = Hex(1);
        }
    }

    public static string Normalize(string text)
    {
        // Everything below U+0300 is its own NFC.
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', '\u02FF')) return text;
        var points = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes()) Decompose(rune.Value, points);
        Reorder(points);
        Compose(points);
        var result = new StringBuilder(text.Length);
        foreach (var p in points) result.Append(new Rune(p).ToString());
        return result.ToString();
    }

    private static void Decompose(int c, List<int> points)
    {
        if (c - HangulBase is >= 0 and < LCount * VCount * TCount and var s)
        {
            points.Add(LBase + s / (VCount * TCount));
            points.Add(VBase + s % (VCount * TCount) / TCount);
            if (s % TCount != 0) points.Add(TBase + s % TCount);
            return;
        }

        if (!Decompositions.TryGetValue(c, out var d))
        {
            points.Add(c);
            return;
        }

        Decompose(d.First, points);
        if (d.Second >= 0) Decompose(d.Second, points);
    }

    private static int Class(int c) => Classes.GetValueOrDefault(c);

    // A stable sort of every run of marks by combining class.
    private static void Reorder(List<int> points)
    {
        for (var i = 1; i < points.Count; i++)
        {
            var k = Class(points[i]);
            if (k == 0) continue;
            for (var j = i; j > 0 && Class(points[j - 1]) > k; j--) (points[j - 1], points[j]) = (points[j], points[j - 1]);
        }
    }

    private static void Compose(List<int> points)
    {
        var starter = -1;
        var last = 0; // class of the last mark kept since the starter, 0 for none
        var kept = 0;
        for (var i = 0; i < points.Count; i++)
        {
            var (c, k) = (points[i], Class(points[i]));
            var adjacent = starter == kept - 1;
            if (starter >= 0 && (adjacent || last < k) && Pair(points[starter], c) is { } composed)
            {
                points[starter] = composed;
                continue;
            }

            if (k == 0) (starter, last) = (kept, 0);
            else last = k;
            points[kept++] = c;
        }

        points.RemoveRange(kept, points.Count - kept);
    }

    private static int? Pair(int a, int b)
    {
        if (a - LBase is >= 0 and < LCount and var l && b - VBase is >= 0 and < VCount and var v)
            return HangulBase + (l * VCount + v) * TCount;
        if (a - HangulBase is >= 0 and < LCount * VCount * TCount and var s && s % TCount == 0 && b - TBase is > 0 and < TCount and var t)
            return a + t;
        return Compositions.TryGetValue((a, b), out var composed) ? composed : null;
    }
}
