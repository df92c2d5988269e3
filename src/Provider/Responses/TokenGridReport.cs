using System.Text.Json.Serialization;

namespace D2Pruner.AI;

/// <summary>One grid of visual tokens and its frame on the original image, in pixels (before clipping to the image).</summary>
public sealed class TokenGridReport
{
    /// <summary>Name: <c>grid</c>, <c>base</c>, <c>mosaic</c> or <c>thumbnail</c>.</summary>
    public string Name { get; init; } = "";

    /// <summary>Rows.</summary>
    public int Rows { get; init; }

    /// <summary>Columns.</summary>
    public int Columns { get; init; }

    /// <summary>Original x of the grid's left edge.</summary>
    [JsonConverter(typeof(RoundedJson))]
    public double X { get; init; }

    /// <summary>Original y of the grid's top edge.</summary>
    [JsonConverter(typeof(RoundedJson))]
    public double Y { get; init; }

    /// <summary>Original width of one cell.</summary>
    [JsonConverter(typeof(RoundedJson))]
    public double CellWidth { get; init; }

    /// <summary>Original height of one cell.</summary>
    [JsonConverter(typeof(RoundedJson))]
    public double CellHeight { get; init; }

    /// <summary>Name and size on one line.</summary>
    public override string ToString() => $"{Name} {Rows}x{Columns}";

    internal BoundingBox AreaOf(int row, int column, int width, int height) => BoundingBox.Clip(
        (X + column * CellWidth) / width, (Y + row * CellHeight) / height, (X + (column + 1) * CellWidth) / width,
            (Y + (row + 1) * CellHeight) / height);
}
