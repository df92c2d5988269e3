using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Models.InternVL;
using D2Pruner.AI.Runtime.Models.Qwen25VL;
using D2Pruner.AI.Runtime.Models.LlavaNext;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI.Conformance;

/// <summary>Runs the cases of an images folder.</summary>
internal sealed class ImagesRunner(string folder)
{
    /// <summary>The published processors by the names of processors.json; absent ones are not supported yet.</summary>
    private static readonly Dictionary<string, IImageProcessor> Processors = new()
    {
        ["llava-1.5"] = new LlavaImageProcessor(new LlavaImageOptions()),
        ["llava-1.5-pad"] = new LlavaImageProcessor(new LlavaImageOptions { PadToSquare = true }),
        ["llava-next"] = new LlavaNextImageProcessor(new LlavaNextImageOptions()),
        ["qwen2.5-vl"] = new Qwen2VLImageProcessor(new Qwen2VLImageOptions { MaxPixels = 12845056 }),
        ["qwen2.5-vl-256-1280-tokens"] = new Qwen2VLImageProcessor(new Qwen2VLImageOptions { MinPixels = 200704, MaxPixels = 1003520 }),
        ["internvl"] = new InternVLImageProcessor(new InternVLImageOptions()),
    };

    public IReadOnlyList<JsonElement> ResizeCases => Cases("resize.json");

    public IReadOnlyList<JsonElement> DecodeCases => Cases("decode.json");

    public IReadOnlyList<JsonElement> ProcessorCases => Cases("processors.json");

    /// <summary>Processors whose layouts the counts of processors.json describe.</summary>
    public static IReadOnlyList<string> CountedProcessors => ["llava-next", "qwen2.5-vl", "internvl"];

    /// <summary>Layouts at odd sizes: a dictionary by column name each.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, int>> Counts
    {
        get
        {
            if (Root("processors.json") is not { } root || !root.TryGetProperty("counts", out var counts)) return [];
            string[] columns = [.. root.GetProperty("counts_columns").EnumerateArray().Select(c => c.GetString()!)];
            return [.. counts.EnumerateArray()
                .Select(row => columns.Zip(row.EnumerateArray()).ToDictionary(p => p.First, p => p.Second.GetInt32()))];
        }
    }

    public static bool Supports(string processor) => Processors.ContainsKey(processor);

    public Blob Resize(JsonElement c)
    {
        var name = c.GetProperty("name").GetString()!;
        using var file = SafetensorsFile.Open(Path.Combine(folder, "resize.safetensors"));
        var source = file.Find(name + ".source")!.Shape;
        var target = c.GetProperty("target");
        var (w, h) = (target[0].GetInt32(), target[1].GetInt32());
        return Blob.Of(PillowResizer.Bicubic(file.ReadArray<byte>(name + ".source"), (int)source[1], (int)source[0], w, h), h, w, 3);
    }

    public Blob Decode(JsonElement c)
    {
        var image = ImageDecoder.Decode(File.ReadAllBytes(Path.Combine(folder, "decode", c.GetProperty("file").GetString()!)));
        return Blob.Of(image.Rgb, image.Height, image.Width, 3);
    }

    public ProcessedImage Process(JsonElement c) =>
        Processors[c.GetProperty("processor").GetString()!]
            .Process(ImageDecoder.Decode(File.ReadAllBytes(Path.Combine(folder, c.GetProperty("image").GetString()!))));

    public JsonObject Describe(JsonElement c)
    {
        if (!Supports(c.GetProperty("processor").GetString()!)) return new JsonObject { ["skipped"] = true };
        var p = Process(c);
        return new JsonObject
        {
            ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(p.Resized)),
            ["tokens"] = p.TokenCount,
            ["shape"] = new JsonArray([.. p.ResizedShape.Select(s => JsonValue.Create(s))]),
        };
    }

    /// <summary>The columns of <see cref="Counts"/> that a processor answers for, at one size.</summary>
    public IReadOnlyDictionary<string, int> Count(string processor, int width, int height)
    {
        const int PatchSize = 14;
        var plan = Processors[processor].Plan(width, height);
        var columns = new Dictionary<string, int>();
        if (plan.BestResolution is { } best)
        {
            // Of a picture thin as a line, unpadding leaves no mosaic: rows of newlines alone, or nothing.
            var (mosaic, rows) = (plan.Grids.SingleOrDefault(g => g.Name == "mosaic"), plan.SeparatorOffsets.Length);
            (columns["next_best_h"], columns["next_best_w"], columns["next_mosaic_rows"], columns["next_mosaic_cols"]) =
                (best.Height, best.Width, rows, mosaic?.Columns ?? (rows == 0 ? best.Width / PatchSize : 0));
        }
        else if (plan.GridThw is { } grid)
        {
            (columns["qwen_resized_w"], columns["qwen_resized_h"]) = (grid[2] * PatchSize, grid[1] * PatchSize);
        }
        else if (plan.Tiles is { } tiles)
        {
            (columns["internvl_cols"], columns["internvl_rows"]) = (tiles.Columns, tiles.Rows);
        }

        return columns;
    }

    private IReadOnlyList<JsonElement> Cases(string name) =>
        Root(name) is { } root && root.TryGetProperty("cases", out var cases) ? [.. cases.EnumerateArray()] : [];

    private JsonElement? Root(string name)
    {
        var path = Path.Combine(folder, name);
        return File.Exists(path) ? JsonDocument.Parse(File.ReadAllBytes(path)).RootElement : null;
    }
}
