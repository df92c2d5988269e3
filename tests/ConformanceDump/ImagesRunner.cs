using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI.Conformance;

/// <summary>Runs the cases of an images folder.</summary>
public sealed class ImagesRunner(string folder)
{
    /// <summary>The published processors by the names of processors.json; absent ones are not supported yet.</summary>
    private static readonly Dictionary<string, IImageProcessor> Processors = new()
    {
        ["llava-1.5"] = new LlavaImageProcessor(new LlavaImageOptions()),
        ["llava-1.5-pad"] = new LlavaImageProcessor(new LlavaImageOptions { PadToSquare = true }),
        ["llava-next"] = new LlavaNextImageProcessor(new LlavaNextImageOptions()),
        ["qwen2.5-vl"] = new Qwen2VLImageProcessor(new Qwen2VLImageOptions { MaxPixels = 12845056 }),
        ["qwen2.5-vl-256-1280-tokens"] = new Qwen2VLImageProcessor(new Qwen2VLImageOptions { MinPixels = 200704, MaxPixels = 1003520 }),
    };

    public IReadOnlyList<JsonElement> ResizeCases => Cases("resize.json");

    public IReadOnlyList<JsonElement> DecodeCases => Cases("decode.json");

    public IReadOnlyList<JsonElement> ProcessorCases => Cases("processors.json");

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
        Processors[c.GetProperty("processor").GetString()!].Process(ImageDecoder.Decode(File.ReadAllBytes(Path.Combine(folder, c.GetProperty("image").GetString()!))));

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

    private IReadOnlyList<JsonElement> Cases(string name)
    {
        var path = Path.Combine(folder, name);
        return File.Exists(path) ? [.. JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.GetProperty("cases").EnumerateArray()] : [];
    }
}
