using D2Pruner.AI.Runtime.Models.InternVL;
using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Tests.Conformance;
using Xunit;

namespace D2Pruner.AI.Tests.Imaging;

/// <summary>The published InternVL processor against golden data.</summary>
[Trait("Category", "Conformance")]
public sealed class InternVLGoldenTests
{
    private static readonly InternVLImageProcessor Published = new(new InternVLImageOptions());

    public static TheoryData<string, string> Pictures()
    {
        var data = new TheoryData<string, string>();
        foreach (var folder in FixtureFolders.Find(FixtureKind.Images))
        {
            foreach (var c in Cases(folder)) data.Add(folder, c.GetProperty("image").GetString()!);
        }

        if (data.Count == 0) data.Add(NoRows.Label, "");
        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Pictures))]
    public void Processor_EqualsReference(string folder, string image)
    {
        NoRows.SkipIfNone(folder);
        var golden = Cases(folder).Single(c => c.GetProperty("image").GetString() == image);
        var p = Published.Process(ImageDecoder.Decode(File.ReadAllBytes(Path.Combine(folder, image))));
        Assert.Empty(ImagesConformanceTests.CompareProcessed(golden, p));
        var tiles = golden.GetProperty("tiles");
        Assert.Equal((tiles[0].GetInt32(), tiles[1].GetInt32()), p.Tiles);
        Assert.Equal([p.ResizedShape[0], 3, p.ResizedShape[1], p.ResizedShape[2]], p.PixelShape);
    }

    [SkippableFact]
    public void Tiling_EqualsReference_AtOddSizes()
    {
        var runners = FixtureFolders.Find(FixtureKind.Images).Select(f => new ImagesRunner(f)).Where(r => r.Counts.Count > 0).ToArray();
        Skip.If(runners.Length == 0, "no counts");
        foreach (var c in runners.SelectMany(r => r.Counts))
            Assert.Equal((c["width"], c["height"], c["internvl_cols"], c["internvl_rows"]), Row(c["width"], c["height"]));

        static (int, int, int, int) Row(int w, int h) => Published.Plan(w, h).Tiles is var (columns, rows)
            ? (w, h, columns, rows) : default;
    }

    public static TheoryData<string, string> Folders()
    {
        var data = new TheoryData<string, string>();
        foreach (var folder in FixtureFolders.Find(FixtureKind.Model))
        {
            if (!Config(folder, "config.json").GetProperty("model_type").GetString()!.StartsWith("internvl", StringComparison.Ordinal))
                continue;
            using var cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
            foreach (var c in cases.RootElement.GetProperty("cases").EnumerateArray()) data.Add(folder, c.GetProperty("name").GetString()!);
        }

        if (data.Count == 0) data.Add(NoRows.Label, "");
        return data;
    }

    /// <summary>Small tiles, options read from the folder's files: resized pixels, floats and layouts of every picture of a case.</summary>
    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void ModelFolder_EqualsReference(string folder, string name)
    {
        NoRows.SkipIfNone(folder);
        using var cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
        var c = cases.RootElement.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("name").GetString() == name);
        var processor = new InternVLImageProcessor(
            InternVLOptionsTests.Read(Config(folder, "config.json"), Config(folder, "preprocessor_config.json"), out var problems));
        Assert.Empty(problems);
        ProcessedImage[] images =
            [.. Images(c).Select(i => processor.Process(ImageDecoder.Decode(File.ReadAllBytes(Path.Combine(folder, i)))))];
        Skip.If(images.Length == 0, "a case without pictures");

        foreach (var (layout, image) in c.GetProperty("layout").EnumerateArray().Zip(images))
        {
            Assert.Equal(image.Grids.Count, layout.GetProperty("components").GetArrayLength());
            var first = layout.GetProperty("components").EnumerateArray().SelectMany(k => k.GetProperty("positions").EnumerateArray())
                .Min(p => p.GetInt32());
            foreach (var (golden, grid) in layout.GetProperty("components").EnumerateArray().Zip(image.Grids))
            {
                Assert.Equal((golden.GetProperty("name").GetString(), golden.GetProperty("rows").GetInt32(),
                    golden.GetProperty("cols").GetInt32()), (grid.Name, grid.Rows, grid.Columns));
                Assert.Equal(golden.GetProperty("positions").EnumerateArray().Select(p => p.GetInt32() - first), grid.Offsets);
            }
        }

        var expected = Expectation.Read(Path.Combine(folder, c.GetProperty("expected").GetString()!));
        Assert.Equal((byte[])expected["resized"].Data, images.SelectMany(i => i.Resized).ToArray());
        if (!expected.TryGetValue("pixel_values", out var values)) return; // not stored for every case
        var floats = (float[])values.Data;
        var actual = images.SelectMany(i => i.Pixels).Take(floats.Length).ToArray();
        Assert.Equal(floats.Length, actual.Length);
        Assert.True(floats.Zip(actual, (e, a) => Math.Abs(e - a)).Max() <= 1e-6f);
    }

    private static JsonElement Config(string folder, string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "model", file)));
        return json.RootElement.Clone();
    }

    private static IEnumerable<string> Images(JsonElement c) =>
        from m in c.GetProperty("messages").EnumerateArray()
        where m.GetProperty("content").ValueKind == JsonValueKind.Array
        from part in m.GetProperty("content").EnumerateArray()
        where part.GetProperty("type").GetString() == "image"
        select part.GetProperty("image").GetString()!;

    private static IEnumerable<JsonElement> Cases(string folder) =>
        new ImagesRunner(folder).ProcessorCases.Where(c => c.GetProperty("processor").GetString() == "internvl");
}
