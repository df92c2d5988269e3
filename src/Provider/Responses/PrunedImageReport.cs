using System.Text.Json.Serialization;

namespace D2Pruner.AI;

/// <summary>One image's pruning.</summary>
public sealed class PrunedImageReport
{
    /// <summary>Zero-based index in the request.</summary>
    public int ImageIndex { get; init; }

    /// <summary>Original width in pixels, after EXIF orientation.</summary>
    public int Width { get; init; }

    /// <summary>Original height in pixels, after EXIF orientation.</summary>
    public int Height { get; init; }

    /// <summary>V: visual tokens before pruning, separators not counted.</summary>
    public int VisualTokens { get; init; }

    /// <summary>Separators, which are never pruned.</summary>
    public int Separators { get; init; }

    /// <summary>
    /// Kept tokens, ascending: numbers into the grids laid one after another, each row by row. In JSON a text: Base64 of a bit per token,
    /// the lowest bit of the first byte for token 0.
    /// </summary>
    [JsonConverter(typeof(TokenSetJson))]
    public IReadOnlyList<int> Kept { get; init; } = [];

    /// <summary>The image's grids and where their cells lie.</summary>
    public IReadOnlyList<TokenGridReport> Grids { get; init; } = [];

    /// <summary>Tokens that were pivots.</summary>
    public int Pivots { get; init; }

    /// <summary>Tokens taken after the pool was empty, edges ignored.</summary>
    public int Fill { get; init; }

    /// <summary>Undirected edges of the similarity graph.</summary>
    public long Edges { get; init; }

    /// <summary>Smallest cosine between two tokens.</summary>
    public double? MinSimilarity { get; init; }

    /// <summary>Largest cosine between two tokens.</summary>
    public double? MaxSimilarity { get; init; }

    /// <summary>Scores that decided, [V]; only where the request asked with <c>d2pruner.include_scores</c>.</summary>
    public IReadOnlyList<float>? Scores { get; init; }

    /// <summary>Attention of the last prompt token, [V]; only where scores were asked for.</summary>
    public IReadOnlyList<float>? Attention { get; init; }

    /// <summary>Positional prior on these grids, [V]; only where scores were asked for.</summary>
    public IReadOnlyList<float>? PriorMap { get; init; }

    /// <summary>What became of the image, on one line.</summary>
    public override string ToString() =>
        $"image {ImageIndex} ({Width}x{Height}, {string.Join(" + ", Grids)}): {Kept.Count} of {VisualTokens} visual tokens kept";

    /// <summary>The area of a token on the original image, 0..1.</summary>
    /// <param name="token">Number of the token, 0..V-1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public BoundingBox AreaOf(int token)
    {
        var rest = token;
        foreach (var grid in Grids)
        {
            if (rest >= 0 && rest < grid.Rows * grid.Columns) return grid.AreaOf(rest / grid.Columns, rest % grid.Columns, Width, Height);
            rest -= grid.Rows * grid.Columns;
        }
        throw new ArgumentOutOfRangeException(nameof(token), token, $"The image has {VisualTokens} visual tokens.");
    }
}
