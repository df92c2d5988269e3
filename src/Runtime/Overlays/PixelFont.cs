using D2Pruner.AI.Runtime.Imaging;
using SkiaSharp;

namespace D2Pruner.AI.Runtime.Overlays;

/// <summary>A 5x7 bitmap font for labels in images: the same text on every machine, with or without installed fonts.</summary>
public static class PixelFont
{
    /// <summary>Columns from one character to the next, at scale 1.</summary>
    public const int Advance = 6;

    /// <summary>Rows of a line above its base, at scale 1.</summary>
    public const int Height = 7;

    /// <summary>Rows below the base, which g, p, q and y reach down to, at scale 1.</summary>
    public const int Descent = 2;

    private const string Descenders = "gpqy";

    // A glyph is seven rows of five bits, two hexadecimal digits each, top first.
    private static readonly Dictionary<char, string> Glyphs = new()
    {
        [' '] = "00000000000000", ['!'] = "04040404040004", ['"'] = "0A0A0000000000", ['#'] = "0A0A1F0A1F0A0A", ['$'] = "040F140E051E04",
            ['%'] = "18190204081303",
        ['&'] = "0814140815120D", ['\''] = "04040800000000", ['('] = "02040808080402", [')'] = "08040202020408", ['*'] = "00150E1F0E1500",
        ['+'] = "0004041F040400",
        [','] = "0000000C0C0408", ['-'] = "0000001F000000", ['.'] = "00000000000C0C", ['/'] = "01010204081010", [':'] = "000C0C000C0C00",
        [';'] = "000C0C000C0408",
        ['<'] = "02040810080402", ['='] = "00001F001F0000", ['>'] = "08040201020408", ['?'] = "0E110102040004", ['@'] = "0E11171517100E",
        ['['] = "0E08080808080E",
        ['\\'] = "10100804020101", [']'] = "0E02020202020E", ['^'] = "040A1100000000", ['_'] = "0000000000001F", ['`'] = "08040200000000",
        ['{'] = "06040408040406",
        ['|'] = "04040404040404", ['}'] = "0C04040204040C", ['~'] = "00000815020000", ['²'] = "0C02040E000000",
        ['0'] = "0E11131519110E", ['1'] = "040C040404040E", ['2'] = "0E11010204081F", ['3'] = "1F02040201110E", ['4'] = "02060A121F0202",
        ['5'] = "1F101E0101110E",
        ['6'] = "0608101E11110E", ['7'] = "1F010204080808", ['8'] = "0E11110E11110E", ['9'] = "0E11110F01020C",
        ['A'] = "0E11111F111111", ['B'] = "1E11111E11111E", ['C'] = "0E11101010110E", ['D'] = "1E11111111111E", ['E'] = "1F10101E10101F",
        ['F'] = "1F10101E101010",
        ['G'] = "0E11101711110F", ['H'] = "1111111F111111", ['I'] = "0E04040404040E", ['J'] = "0101010111110E", ['K'] = "11121418141211",
        ['L'] = "1010101010101F",
        ['M'] = "111B1515111111", ['N'] = "11191915131311", ['O'] = "0E11111111110E", ['P'] = "1E11111E101010", ['Q'] = "0E11111115120D",
        ['R'] = "1E11111E141211",
        ['S'] = "0F10100E01011E", ['T'] = "1F040404040404", ['U'] = "1111111111110E", ['V'] = "11111111110A04", ['W'] = "11111115151B11",
        ['X'] = "11110A040A1111",
        ['Y'] = "11110A04040404", ['Z'] = "1F01020408101F",
        ['a'] = "00000E010F110F", ['b'] = "10101E1111111E", ['c'] = "00000F1010100F", ['d'] = "01010F1111110F", ['e'] = "00000E111F100E",
        ['f'] = "06081C08080808",
        ['g'] = "0F1111110F010E", ['h'] = "10101E11111111", ['i'] = "04000C0404040E", ['j'] = "0200060202120C", ['k'] = "10101214181412",
        ['l'] = "0C04040404040E",
        ['m'] = "00001A15151515", ['n'] = "00001E11111111", ['o'] = "00000E1111110E", ['p'] = "1E1111111E1010", ['q'] = "0F1111110F0101",
        ['r'] = "00001618101010",
        ['s'] = "00000F100E011E", ['t'] = "08081C08080806", ['u'] = "0000111111110F", ['v'] = "00001111110A04", ['w'] = "0000111515150A",
        ['x'] = "0000110A040A11",
        ['y'] = "111111110F010E", ['z'] = "00001F0204081F",
    };

    /// <summary>Width of a text in pixels.</summary>
    public static int Measure(string text, int scale = 1) => text.Length * Advance * scale;

    /// <summary>Draws a line of text; characters without a glyph become a frame.</summary>
    /// <param name="canvas">The target.</param>
    /// <param name="text">The text.</param>
    /// <param name="x">Left edge.</param>
    /// <param name="y">Top edge.</param>
    /// <param name="colour">Ink.</param>
    /// <param name="scale">Pixels per dot.</param>
    public static void Draw(SKCanvas canvas, string text, float x, float y, SKColor colour, int scale = 1)
    {
        using var paint = new SKPaint { Color = colour, IsAntialias = false };
        foreach (var c in text)
        {
            var glyph = Glyphs.GetValueOrDefault(c, "1F11111111111F");
            var top = y + (Descenders.Contains(c) ? Descent * scale : 0);
            for (var row = 0; row < Height; row++)
            {
                var bits = Convert.ToInt32(glyph.Substring(2 * row, 2), 16);
                for (var column = 0; column < 5; column++)
                {
                    if ((bits >> (4 - column) & 1) != 0) canvas.DrawRect(x + column * scale, top + row * scale, scale, scale, paint);
                }
            }

            x += Advance * scale;
        }
    }
}
