using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using D2Pruner.AI.Runtime.Models.Llava;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Models.LlavaNext;

/// <summary>LLaVA-NeXT's tower: LLaVA's on every tile, then the base tokens, the unpadded mosaic rows and a newline after each.</summary>
internal sealed class LlavaNextVisionTower : IVisionTower
{
    private readonly LlavaVisionTower _tiles;
    private readonly Tensor _newline;
    private readonly int _side;

    private LlavaNextVisionTower(ITensorSource source, LlavaConfig config)
    {
        _tiles = LlavaVisionTower.Take(source, config);
        _newline = source.Take("model.image_newline", [config.Text.HiddenSize]);
        _side = config.Vision.Side;
    }

    /// <summary>LLaVA's tower, which encodes the tiles.</summary>
    public LlavaVisionTower Tiles => _tiles;

    /// <summary>The token behind every row of the mosaic, [D].</summary>
    public Tensor Newline => _newline;

    /// <summary>Takes the tower's tensors.</summary>
    public static LlavaNextVisionTower Take(ITensorSource source, LlavaConfig config) => new(source, config);

    /// <inheritdoc/>
    public VisionOutput Encode(ProcessedImage image, bool clsAttention, Action? atBorder = null) =>
        EncodeBatch([image], clsAttention, atBorder)[0];

    /// <inheritdoc/>
    public IReadOnlyList<VisionOutput> EncodeBatch(IReadOnlyList<ProcessedImage> images, bool clsAttention, Action? atBorder = null)
    {
        using var scope = NewDisposeScope();
        var cls = clsAttention ? new List<float[]>() : null;
        var tiles = _tiles.EncodeTiles(images, cls, atBorder);
        var each = (int)tiles.shape[0] / images.Count;
        return [.. images.Select((image, i) => Arrange(image, tiles.narrow(0, i * each, each), cls?.GetRange(i * each, each)))];
    }

    // The features outlive the caller's scope.
    private VisionOutput Arrange(ProcessedImage image, Tensor tiles, List<float[]>? cls)
    {
        var width = tiles.shape[2];
        var source = tiles.reshape(-1, width);
        var map = SourceRows(image);
        // Every token is a tile's row, or the newline, which is appended as the last one.
        var all = cat([source, _newline.unsqueeze(0)], 0);
        var index = new long[image.TokenCount];
        Array.Fill(index, source.shape[0]);
        var at = 0;
        var candidates = new List<long>();
        foreach (var grid in image.Grids)
        {
            foreach (var offset in grid.Offsets)
            {
                index[offset] = map[at++];
                candidates.Add(index[offset]);
            }
        }

        var features = all.index_select(0, tensor(index).MovedTo(all.device)).MoveToOuterDisposeScope();
        var flat = cls is null ? null : cls.SelectMany(a => a).ToArray();
        return new VisionOutput(features, flat is null ? null : [.. candidates.Select(c => flat[c])]);
    }

    // Row of tiles x side x side for every candidate in layout order: base, then the mosaic cropped to its unpadded part.
    private long[] SourceRows(ProcessedImage image)
    {
        var (side, best) = (_side, image.BestResolution!.Value);
        var tile = image.PixelShape[2];
        var (rows, columns) = (best.Height / tile * side, best.Width / tile * side);
        var result = new List<long>();
        for (var i = 0; i < side * side; i++) result.Add(i);
        if (image.Grids.Count == 1) return [.. result]; // too long for a mosaic
        var mosaic = image.Grids[1];
        var (top, left) = ((rows - mosaic.Rows) / 2, (columns - mosaic.Columns) / 2);
        for (var r = top; r < top + mosaic.Rows; r++)
        {
            for (var c = left; c < left + mosaic.Columns; c++)
            {
                var t = 1 + r / side * (columns / side) + c / side;
                result.Add(((long)t * side + r % side) * side + c % side);
            }
        }

        return [.. result];
    }
}
