using D2Pruner.AI.Evaluation.Scenes;
using SkiaSharp;

namespace D2Pruner.AI.AgentBenchmark;

/// <summary>
/// Objects of the demo model's world at their own sizes on a square of any side: the model sees it at 336 pixels, so that objects are
/// small in a large one. All shapes differ in even scenes, all colours in odd ones, and the question is about a small object by what is
/// its own.
/// </summary>
internal sealed record WideScene(byte[] Png, string Thing, string Question, string Answer)
{
    private const int Objects = 6;

    public static WideScene Create(int side, ulong seed, ulong index)
    {
        var rng = new Rng((ulong)Split.Test, seed, index, (ulong)side, 19);
        var byShape = index % 2 == 0;
        var order = Enumerable.Range(0, 8).ToArray();
        rng.Shuffle<int>(order);
        List<SceneObject> objects = [];
        while (objects.Count < Objects)
        {
            var (own, other) = (order[objects.Count], rng.Int(8));
            // The first is the one that is asked about.
            var big = objects.Count > 0 && rng.Chance(0.5);
            var radius = big ? rng.Int(26, 36) : rng.Int(14, 19);
            var o = new SceneObject((ShapeKind)(byShape ? own : other), (ColourKind)(byShape ? other : own), big,
                rng.Int(radius, side - radius - 1), rng.Int(radius, side - radius - 1), radius);
            if (objects.TrueForAll(p => p.Box.Overlap(o.Box) == 0)) objects.Add(o);
        }

        var asked = objects[0];
        var (shape, colour) = (asked.Shape.ToString().ToLowerInvariant(), asked.Colour.ToString().ToLowerInvariant());
        return byShape
            ? new WideScene(Draw(objects, side, rng), $"the {shape}", $"What colour is the {shape}?", colour)
            : new WideScene(Draw(objects, side, rng), $"the {colour} thing", $"What shape is the {colour} thing?", shape);
    }

    private static byte[] Draw(List<SceneObject> objects, int side, Rng rng)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(side, side, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var level = rng.Int(120, 210);
        bitmap.Erase(Colour([level, level, level], rng));
        foreach (var o in objects)
        {
            var (mask, width, colour) = (ShapeMask.Of(o.Shape, o.Radius).Covered, 2 * o.Radius + 1,
                Colour(SceneImage.Palette[(int)o.Colour], rng));
            for (var i = 0; i < mask.Length; i++)
            {
                if (mask[i]) bitmap.SetPixel(o.X + i % width - o.Radius, o.Y + i / width - o.Radius, colour);
            }
        }

        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private static SKColor Colour(int[] rgb, Rng rng)
    {
        byte Jittered(int value) => (byte)Math.Clamp(value + rng.Int(-16, 16), 0, 255);
        return new SKColor(Jittered(rgb[0]), Jittered(rgb[1]), Jittered(rgb[2]));
    }
}
