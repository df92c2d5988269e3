using System.Security.Cryptography;
using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Imaging;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

[Trait("Category", "Conformance")]
public sealed class ImagesConformanceTests
{
    public static TheoryData<string, int> ResizeCases() => Rows(r => r.ResizeCases.Count);

    public static TheoryData<string, int> DecodeCases() => Rows(r => r.DecodeCases.Count);

    public static TheoryData<string, int> ProcessorCases() => Rows(r => r.ProcessorCases.Count);

    /// <summary>A row per processor whose layouts at odd sizes are stored.</summary>
    public static TheoryData<string, string> CountCases()
    {
        var data = new TheoryData<string, string>();
        foreach (var folder in FixtureFolders.Find(FixtureKind.Images).Where(f => new ImagesRunner(f).Counts.Count > 0))
        {
            foreach (var processor in ImagesRunner.CountedProcessors) data.Add(folder, processor);
        }

        if (data.Count == 0) data.Add(NoRows.Label, "");
        return data;
    }

    public static TheoryData<string> BadFiles()
    {
        var data = new TheoryData<string>();
        foreach (var folder in FixtureFolders.Find(FixtureKind.Images).Where(f => Directory.Exists(Path.Combine(f, "bad"))))
        {
            foreach (var file in Directory.GetFiles(Path.Combine(folder, "bad"))) data.Add(file);
        }

        if (data.Count == 0) data.Add(NoRows.Label);
        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(ResizeCases))]
    public void Resize_IsBitExact(string folder, int index)
    {
        NoRows.SkipIfNone(folder);
        var runner = new ImagesRunner(folder);
        var c = runner.ResizeCases[index];
        var golden = Expectation.Read(Path.Combine(folder, "resize.safetensors"))[c.GetProperty("name").GetString() + ".bicubic"];
        Assert.Empty(Expectation.Compare("resize", golden, runner.Resize(c)));
    }

    [SkippableTheory]
    [MemberData(nameof(DecodeCases))]
    public void Decode_EqualsReference(string folder, int index)
    {
        NoRows.SkipIfNone(folder);
        var runner = new ImagesRunner(folder);
        var c = runner.DecodeCases[index];
        var golden = Expectation.Read(Path.Combine(folder, "decode.safetensors"))[c.GetProperty("file").GetString()!];
        Assert.Empty(CompareDecoded(golden, runner.Decode(c), c.GetProperty("tolerance").GetInt32()));
    }

    [SkippableTheory]
    [MemberData(nameof(ProcessorCases))]
    public void Processor_EqualsReference(string folder, int index)
    {
        NoRows.SkipIfNone(folder);
        var runner = new ImagesRunner(folder);
        var c = runner.ProcessorCases[index];
        var processor = c.GetProperty("processor").GetString()!;
        Skip.IfNot(ImagesRunner.Supports(processor), $"the processor '{processor}' is not supported yet");
        var p = runner.Process(c);
        Assert.Empty(CompareProcessed(c, p));
    }

    [SkippableTheory]
    [MemberData(nameof(CountCases))]
    public void Count_EqualsReference_AtOddSizes(string folder, string processor)
    {
        NoRows.SkipIfNone(folder);
        Skip.IfNot(ImagesRunner.Supports(processor), $"the processor '{processor}' is not supported yet");
        var runner = new ImagesRunner(folder);
        Assert.Empty(runner.Counts.SelectMany(c => CompareCounts(c, runner.Count(processor, c["width"], c["height"]))));
    }

    /// <summary>Differences between a golden and a decoded picture.</summary>
    internal static IEnumerable<string> CompareDecoded(Blob golden, Blob actual, int tolerance)
    {
        if (!golden.Shape.SequenceEqual(actual.Shape))
            return [$"shape [{string.Join(",", golden.Shape)}] expected, [{string.Join(",", actual.Shape)}] found"];
        var largest = ((byte[])golden.Data).Zip((byte[])actual.Data, (e, a) => Math.Abs(e - a)).Max();
        return largest <= tolerance ? [] : [$"a channel differs by {largest}, allowed are {tolerance}"];
    }

    /// <summary>Differences between a golden entry of processors.json and a processed picture.</summary>
    internal static IEnumerable<string> CompareProcessed(JsonElement golden, ProcessedImage actual)
    {
        if (golden.GetProperty("tokens").GetInt32() != actual.TokenCount)
            yield return $"tokens: {golden.GetProperty("tokens")} expected, {actual.TokenCount} found";
        var shape = golden.GetProperty("shape").EnumerateArray().Select(s => s.GetInt32());
        if (!shape.SequenceEqual(actual.ResizedShape))
            yield return $"shape: [{string.Join(",", shape)}] expected, [{string.Join(",", actual.ResizedShape)}] found";
        if (golden.GetProperty("sha256").GetString() != Convert.ToHexStringLower(SHA256.HashData(actual.Resized)))
            yield return "sha256: other bytes after resizing";
        var samples = golden.GetProperty("samples");
        foreach (var (i, v) in samples.GetProperty("index").EnumerateArray().Zip(samples.GetProperty("value").EnumerateArray()))
        {
            if (!(Math.Abs(v.GetSingle() - actual.Pixels.ElementAtOrDefault(i.GetInt32())) <= 1e-6))
                yield return $"pixel {i}: {v} expected";
        }
    }

    /// <summary>Differences of the counts that a processor yields.</summary>
    internal static IEnumerable<string> CompareCounts(IReadOnlyDictionary<string, int> golden, IReadOnlyDictionary<string, int> actual) =>
        actual.Where(a => golden[a.Key] != a.Value)
            .Select(a => $"{golden["width"]}x{golden["height"]}, {a.Key}: {golden[a.Key]} expected, {a.Value} found");

    [SkippableTheory]
    [MemberData(nameof(BadFiles))]
    public void BadFile_EndsInClearError(string file)
    {
        NoRows.SkipIfNone(file);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<ImageDecodeException>(() => ImageDecoder.Decode(File.ReadAllBytes(file)));
        Assert.NotEmpty(e.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 32 << 20);
    }

    private static TheoryData<string, int> Rows(Func<ImagesRunner, int> count)
    {
        var data = new TheoryData<string, int>();
        foreach (var folder in FixtureFolders.Find(FixtureKind.Images))
        {
            for (var i = 0; i < count(new ImagesRunner(folder)); i++) data.Add(folder, i);
        }

        if (data.Count == 0) data.Add(NoRows.Label, 0);
        return data;
    }
}
