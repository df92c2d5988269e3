namespace D2Pruner.AI;

/// <summary>The plain shape of a region in property bags: <c>{"label", "box": [l, t, r, b], "image",
/// "start", "end", "image_assumed"}</c>.</summary>
internal sealed class GroundedRegionJson
{
    public string? Label { get; init; }

    public float[] Box { get; init; } = [];

    public int Image { get; init; }

    public int? Start { get; init; }

    public int? End { get; init; }

    public bool ImageAssumed { get; init; }

    public static GroundedRegionJson From(GroundedRegion r) => new()
    {
        Label = r.Label,
        Box = [r.Box.Left, r.Box.Top, r.Box.Right, r.Box.Bottom],
        Image = r.ImageIndex,
        Start = r.TextStart,
        End = r.TextEnd,
        ImageAssumed = r.ImageIsAssumed,
    };

    public GroundedRegion? ToRegion() => Box is [var l, var t, var r, var b]
        ? new GroundedRegion(Label, new BoundingBox(l, t, r, b), Image, Start, End) { ImageIsAssumed = ImageAssumed }
        : null;
}
