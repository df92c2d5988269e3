namespace D2Pruner.AI.Evaluation.Scenes;

/// <summary>Which scenes never meet: the split is part of every scene's seed.</summary>
internal enum Split
{
    Train = 1,
    Calibration = 2,
    Validation = 3,
    Test = 4,
}

/// <summary>What a scene may hold.</summary>
internal sealed record SceneOptions(int MinObjects, int MaxObjects, double PlateChance = 0.4, int MaxPlates = 1)
{
    /// <summary>Where objects may lie; positions are uniform in it.</summary>
    public Box Region { get; init; } = new(0, 0, Scene.Side, Scene.Side);
}

/// <summary>A scene: objects, plates and the seed of its background.</summary>
internal sealed record Scene(IReadOnlyList<SceneObject> Objects, IReadOnlyList<Plate> Plates, ulong BackgroundSeed)
{
    public const int Side = 336;

    /// <summary>The scene with a number in a split of a seed.</summary>
    public static Scene Create(Split split, ulong seed, ulong index, SceneOptions options) =>
        Sample(new Rng((ulong)split, seed, index), options);

    public static Scene Sample(Rng rng, SceneOptions options)
    {
        var objects = new List<SceneObject>();
        var taken = new List<Box>();
        var plates = new List<Plate>();
        for (var i = 0; i < options.MaxPlates; i++)
        {
            if (!rng.Chance(options.PlateChance)) continue;
            var digits = rng.Int(1, 3) switch { 1 => $"{rng.Int(10)}", 2 => $"{rng.Int(10, 99)}", _ => $"{rng.Int(100, 999)}" };
            var plate = new Plate(digits, 0, 0);
            var (w, h) = (options.Region.Right - options.Region.Left - plate.Width,
                options.Region.Bottom - options.Region.Top - Plate.Height);
            for (var t = 0; t < 20 && w > 0 && h > 0; t++)
            {
                plate = new Plate(digits, options.Region.Left + rng.Int(w), options.Region.Top + rng.Int(h));
                if (!Fits(plate.Box, taken, 0)) continue;
                plates.Add(plate);
                taken.Add(plate.Box);
                break;
            }
        }

        var count = rng.Int(options.MinObjects, options.MaxObjects);
        for (var i = 0; i < count; i++)
        {
            var (shape, colour) = ((ShapeKind)rng.Int(8), (ColourKind)rng.Int(8));
            if (objects.Count > 0)
            {
                var other = rng.Pick(objects);
                var copy = rng.Double();
                if (copy < 0.25) shape = other.Shape;
                else if (copy < 0.5) colour = other.Colour;
                else if (copy < 0.6) (shape, colour) = (other.Shape, other.Colour);
            }

            var big = rng.Chance(0.5);
            var radius = big ? rng.Int(26, 36) : rng.Int(14, 19);
            for (var t = 0; t < 40; t++)
            {
                var o = new SceneObject(
                    shape,
                    colour,
                    big,
                    rng.Int(options.Region.Left + radius, options.Region.Right - radius - 1),
                    rng.Int(options.Region.Top + radius, options.Region.Bottom - radius - 1),
                    radius);
                if (!Fits(o.Box, taken, 0.22)) continue;
                objects.Add(o);
                taken.Add(o.Box);
                break;
            }
        }

        return new Scene(objects, plates, rng.Next());
    }

    private static bool Fits(Box box, List<Box> taken, double share) =>
        taken.TrueForAll(b => box.Overlap(b) <= share * Math.Min(box.Area, b.Area));
}
