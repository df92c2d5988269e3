using SkiaSharp;

namespace D2Pruner.AI.Evaluation.Scenes;

/// <summary>A drawn scene: pixels, and for training which object and digit each pixel shows.</summary>
internal sealed class SceneImage
{
    private const int Side = Scene.Side;

    // 5x7 digits, a row a byte.
    private static readonly byte[][] Font =
    [
        [14, 17, 19, 21, 25, 17, 14], [4, 12, 4, 4, 4, 4, 14], [14, 17, 1, 2, 4, 8, 31], [31, 2, 4, 2, 1, 17, 14], [2, 6, 10, 18, 31, 2, 2],
        [31, 16, 30, 1, 1, 17, 14], [6, 8, 16, 30, 17, 17, 14], [31, 1, 2, 4, 8, 8, 8], [14, 17, 17, 14, 17, 17, 14],
        [14, 17, 17, 15, 1, 2, 12],
    ];

    /// <summary>RGB of each colour.</summary>
    internal static readonly int[][] Palette =
    [
        [214, 36, 36], [36, 158, 52], [38, 68, 214], [236, 216, 40], [138, 46, 170], [242, 138, 26], [42, 204, 216], [18, 18, 18],
    ];

    // Gaussian noise from a table: three times as fast as drawing each number.
    private static readonly float[] Noise = MakeNoise();

    /// <summary>RGB, row-major.</summary>
    public byte[] Pixels { get; } = new byte[Side * Side * 3];

    /// <summary>0 for background, i+1 for object i, -1 for a plate.</summary>
    public short[] Owner { get; } = new short[Side * Side];

    /// <summary>0 for none, digit+1 inside a printed digit's cell.</summary>
    public byte[] Digit { get; } = new byte[Side * Side];

    public static SceneImage Draw(Scene scene)
    {
        var image = new SceneImage();
        var rng = new Rng(scene.BackgroundSeed);
        image.DrawBackground(rng);
        for (var i = 0; i < scene.Objects.Count; i++) image.DrawObject(scene.Objects[i], (short)(i + 1), rng);
        foreach (var p in scene.Plates) image.DrawPlate(p, rng);
        image.AddNoise(rng, rng.Double(0, 6));
        return image;
    }

    /// <summary>PNG of the image.</summary>
    public byte[] ToPng()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Side, Side, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var span = bitmap.GetPixelSpan();
        for (var i = 0; i < Side * Side; i++)
        {
            Pixels.AsSpan(3 * i, 3).CopyTo(span[(4 * i)..]);
            span[4 * i + 3] = 255;
        }

        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private static float[] MakeNoise()
    {
        var rng = new Rng(77);
        var table = new float[1 << 16];
        for (var i = 0; i < table.Length; i++) table[i] = (float)rng.Gaussian();
        return table;
    }

    private static byte Clamp(double v) => (byte)Math.Clamp(v, 0, 255);

    private void DrawBackground(Rng rng)
    {
        var kind = rng.Int(5);
        var level = rng.Int(70, 225);
        double[] a = [level + rng.Int(-22, 22), level + rng.Int(-22, 22), level + rng.Int(-22, 22)];
        double[] b = kind is 1 or 3 ? [a[0] + rng.Int(-50, 50), a[1] + rng.Int(-50, 50), a[2] + rng.Int(-50, 50)] : a;
        var angle = rng.Double(0, 2 * Math.PI);
        var (dx, dy) = (Math.Cos(angle), Math.Sin(angle));
        var period = rng.Double(10, 40);
        for (var y = 0; y < Side; y++)
        {
            for (var x = 0; x < Side; x++)
            {
                var t = kind switch
                {
                    1 => 0.5 + (dx * (x - Side / 2) + dy * (y - Side / 2)) / (1.5 * Side),
                    3 => (((dx * x + dy * y) / period) - Math.Floor((dx * x + dy * y) / period)) < 0.5 ? 0 : 1,
                    _ => 0,
                };
                var p = 3 * (y * Side + x);
                for (var c = 0; c < 3; c++) Pixels[p + c] = Clamp(a[c] + t * (b[c] - a[c]));
            }
        }

        if (kind == 2) AddNoise(rng, rng.Double(8, 25));
        if (kind == 4) AddBlobs(rng);
    }

    private void AddBlobs(Rng rng)
    {
        var strength = rng.Double(8, 30);
        for (var by = 0; by < Side; by += 8)
        {
            for (var bx = 0; bx < Side; bx += 8)
            {
                var (r, g, b) = (strength * rng.Gaussian(), strength * rng.Gaussian(), strength * rng.Gaussian());
                for (var y = by; y < by + 8; y++)
                {
                    for (var x = bx; x < bx + 8; x++)
                    {
                        var p = 3 * (y * Side + x);
                        Pixels[p] = Clamp(Pixels[p] + r);
                        Pixels[p + 1] = Clamp(Pixels[p + 1] + g);
                        Pixels[p + 2] = Clamp(Pixels[p + 2] + b);
                    }
                }
            }
        }
    }

    private void DrawObject(SceneObject o, short owner, Rng rng)
    {
        var mask = ShapeMask.Of(o.Shape, o.Radius).Covered;
        var side = 2 * o.Radius + 1;
        var (r, g, b) = (Jitter(o.Colour, 0, rng), Jitter(o.Colour, 1, rng), Jitter(o.Colour, 2, rng));
        for (var my = 0; my < side; my++)
        {
            var y = o.Y + my - o.Radius;
            if (y is < 0 or >= Side) continue;
            for (var mx = 0; mx < side; mx++)
            {
                var x = o.X + mx - o.Radius;
                if (x is < 0 or >= Side || !mask[my * side + mx]) continue;
                Put(x, y, r, g, b, owner);
            }
        }
    }

    private static byte Jitter(ColourKind colour, int channel, Rng rng) => Clamp(Palette[(int)colour][channel] + rng.Int(-16, 16));

    private void DrawPlate(Plate plate, Rng rng)
    {
        var (paper, ink) = ((byte)rng.Int(235, 255), (byte)rng.Int(0, 40));
        for (var y = plate.Y; y < plate.Y + Plate.Height; y++)
        {
            for (var x = plate.X; x < plate.X + plate.Width; x++) Put(x, y, paper, paper, paper, -1);
        }

        for (var i = 0; i < plate.Digits.Length; i++)
        {
            var digit = plate.Digits[i] - '0';
            var (left, top) = (plate.X + Plate.Margin + i * 6 * Plate.Scale, plate.Y + Plate.Margin);
            for (var y = 0; y < 7 * Plate.Scale; y++)
            {
                for (var x = 0; x < 5 * Plate.Scale; x++)
                {
                    Digit[(top + y) * Side + left + x] = (byte)(digit + 1);
                    if ((Font[digit][y / Plate.Scale] >> (4 - x / Plate.Scale) & 1) != 0) Put(left + x, top + y, ink, ink, ink, -1);
                }
            }
        }
    }

    private void Put(int x, int y, byte r, byte g, byte b, short owner)
    {
        var i = y * Side + x;
        (Pixels[3 * i], Pixels[3 * i + 1], Pixels[3 * i + 2]) = (r, g, b);
        Owner[i] = owner;
        if (owner > 0) Digit[i] = 0;
    }

    private void AddNoise(Rng rng, double sd)
    {
        if (sd < 0.5) return;
        var scale = (float)sd;
        for (var start = 0; start < Pixels.Length; start += 4096)
        {
            var at = rng.Int(Noise.Length - 4096);
            var end = Math.Min(Pixels.Length, start + 4096);
            for (var i = start; i < end; i++) Pixels[i] = (byte)Math.Clamp((int)(Pixels[i] + scale * Noise[at + i - start] + 0.5f), 0, 255);
        }
    }
}
