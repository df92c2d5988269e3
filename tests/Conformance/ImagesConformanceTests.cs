using System.Security.Cryptography;
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

    public static TheoryData<string> BadFiles()
    {
        var data = new TheoryData<string>();
        foreach (var folder in FixtureFolders.Find(FixtureKind.Images).Where(f => Directory.Exists(Path.Combine(f, "bad"))))
        {
            foreach (var file in Directory.GetFiles(Path.Combine(folder, "bad"))) data.Add(file);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(ResizeCases))]
    public void Resize_IsBitExact(string folder, int index)
    {
        var runner = new ImagesRunner(folder);
        var c = runner.ResizeCases[index];
        var golden = Expectation.Read(Path.Combine(folder, "resize.safetensors"))[c.GetProperty("name").GetString() + ".bicubic"];
        Assert.Empty(Expectation.Compare("resize", golden, runner.Resize(c)));
    }

    [Theory]
    [MemberData(nameof(DecodeCases))]
    public void Decode_EqualsReference(string folder, int index)
    {
        var runner = new ImagesRunner(folder);
        var c = runner.DecodeCases[index];
        var golden = Expectation.Read(Path.Combine(folder, "decode.safetensors"))[c.GetProperty("file").GetString()!];
        var actual = runner.Decode(c);
        Assert.Equal(golden.Shape, actual.Shape);
        var (e, a) = ((byte[])golden.Data, (byte[])actual.Data);
        Assert.InRange(e.Zip(a, (x, y) => Math.Abs(x - y)).Max(), 0, c.GetProperty("tolerance").GetInt32());
    }

    [SkippableTheory]
    [MemberData(nameof(ProcessorCases))]
    public void Processor_EqualsReference(string folder, int index)
    {
        var runner = new ImagesRunner(folder);
        var c = runner.ProcessorCases[index];
        var processor = c.GetProperty("processor").GetString()!;
        Skip.IfNot(ImagesRunner.Supports(processor), $"the processor '{processor}' is not supported yet");
        var p = runner.Process(c);
        Assert.Equal(c.GetProperty("tokens").GetInt32(), p.TokenCount);
        Assert.Equal(c.GetProperty("shape").EnumerateArray().Select(s => s.GetInt32()), p.ResizedShape);
        Assert.Equal(c.GetProperty("sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(p.Resized)));
        var samples = c.GetProperty("samples");
        foreach (var (i, v) in samples.GetProperty("index").EnumerateArray().Zip(samples.GetProperty("value").EnumerateArray()))
            Assert.Equal(v.GetSingle(), p.Pixels[i.GetInt32()], 1e-6);
    }

    [Theory]
    [MemberData(nameof(BadFiles))]
    public void BadFile_EndsInClearError(string file)
    {
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

        return data;
    }
}
