using System.Text;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Checkpoints;

[Collection(TorchCollection.Name)]
public sealed class SafetensorsTests
{
    [Fact]
    public void RoundTrip_KeepsTypesShapesValuesAndMetadata()
    {
        using var folder = new TemporaryFolder();
        using var half = torch.tensor(new[] { 1.5f, -2f }).to(torch.ScalarType.BFloat16);
        var writer = new SafetensorsWriter().Add("f", [1f, 2f, 3f, 4f, 5f, 6f], 2, 3).Add("i", [7L], 1).Add("b", new byte[] { 1, 2, 3 }, 3)
            .Add("h", half);
        writer.Metadata["key"] = "väl";
        writer.Write(folder.File("x.safetensors"));
        using var file = SafetensorsFile.Open(folder.File("x.safetensors"));
        Assert.Equal("väl", file.Metadata["key"]);
        Assert.Equal([1f, 2f, 3f, 4f, 5f, 6f], file.ReadArray<float>("f"));
        Assert.Equal([7L], file.ReadArray<long>("i"));
        using var f = file.Read("f");
        Assert.Equal([2, 3], f.shape);
        Assert.Equal(6f, f[1, 2].item<float>());
        using var h = file.Read("h", torch.ScalarType.Float32);
        Assert.Equal([1.5f, -2f], h.data<float>().ToArray());
        using var b = file.Read("b");
        Assert.Equal(torch.ScalarType.Byte, b.dtype);
    }

    public static TheoryData<string, byte[]> Damaged() => new()
    {
        { "incomplete", [] },
        { "incomplete", [1, 2, 3] },
        { "header claims", [.. BitConverter.GetBytes(1000L), .. "{}"u8] },
        { "header claims", [.. BitConverter.GetBytes(-1L), .. "{}"u8] },
        { "cannot be read", Build("{nonsense", 0) },
        { "not a JSON object", Build("[1,2,3]", 0) },
        { "type 'F13'", Build("""{"a":{"dtype":"F13","shape":[1],"data_offsets":[0,4]}}""", 4) },
        { "needs 8 bytes", Build("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4) },
        { "claims bytes", Build("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4) },
        { "overlap", Build("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""", 8) },
        { "negative", Build("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4) },
        { "named twice", Build("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8) },
        { "cannot be read", Build("""{"a":{"dtype":"F32","data_offsets":[0,4]}}""", 4) },
        { "needs", Build("""{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,4]}}""", 4) },
        { "needs more bytes", Build("""{"a":{"dtype":"F32","shape":[0,9223372036854775807,5],"data_offsets":[0,0]}}""", 0) },
        { "axes", Build($$$"""{"a":{"dtype":"F32","shape":[{{{string.Join(',', Enumerable.Repeat(1, 65))}}}],"data_offsets":[0,4]}}""",
            4) },
        { "last 4 bytes", Build("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8) },
        { "4 bytes before", Build("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8) },
        { "surrogate", Build("""{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4) },
        { "surrogate", Build("""{"__metadata__":{"a":"\udfff"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4) },
        { "UTF-8", [.. BitConverter.GetBytes(8L), .. "{\""u8, 0xFF, .. "\":{} }"u8] },
        { "cannot be read", Build("""{"__metadata__":[1]}""", 0) },
        { "cannot be read", Build("""{"a":7}""", 0) },
        { "cannot be read", Build("""{"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}""", 4) },
        { "cannot be read", Build("""{"a":{"dtype":"F32","shape":[1e40],"data_offsets":[0,4]}}""", 4) },
        { "cannot be read", Build(string.Concat(Enumerable.Repeat("{\"a\":", 2000)) + "1" + new string('}', 2000), 0) },
    };

    [Theory]
    [MemberData(nameof(Damaged))]
    public void DamagedFile_EndsInClearError(string expected, byte[] bytes)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("bad.safetensors"), bytes);
        var e = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(folder.File("bad.safetensors")));
        Assert.Contains(expected, e.Message);
        Assert.Contains("bad.safetensors", e.Message);
    }

    [SkippableFact]
    public void WhatIsNoFile_IsRefusedAtOnce()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        using var folder = new TemporaryFolder();
        Assert.Contains("a pipe",
            Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(Fifo.Create(folder.File("pipe")))).Message);
        Assert.Contains("a folder", Assert.Throws<SafetensorsException>(() => PriorFile.Load(folder.Path)).Message);
        Assert.Contains("There is no file", Assert.Throws<SafetensorsException>(() => PriorFile.Load(folder.File("none"))).Message);
    }

    [Fact]
    public void FileThatIsBeingWritten_IsRefused()
    {
        using var folder = new TemporaryFolder();
        new SafetensorsWriter().Add("a", [1f], 1).Write(folder.File("x"));
        using (new FileStream(folder.File("x"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            Assert.Contains("writing it", Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(folder.File("x"))).Message);
        SafetensorsFile.Open(folder.File("x")).Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void MappedAndRead_AreTheSameValues(bool mapped)
    {
        using var folder = new TemporaryFolder();
        new SafetensorsWriter().Add("a", [1f, 2f, 3f], 3).Add("e", new float[0], 0, 5).Write(folder.File("x"));
        using var file = SafetensorsFile.Open(folder.File("x"), mapped);
        Assert.Equal(mapped, file.IsMapped);
        using var a = file.Read("a");
        using var d = file.Read("a", torch.ScalarType.Float64);
        using var e = file.Read("e");
        Assert.Equal([1f, 2f, 3f], a.data<float>().ToArray());
        Assert.Equal([1d, 2d, 3d], d.data<double>().ToArray());
        Assert.Equal([0, 5], e.shape);
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":7}}""", "Number")]
    [InlineData("""{"weight_map":{"a":null}}""", "Null")]
    [InlineData("""{"weight_map":{}}""", "names no file")]
    [InlineData("""{"weight_map":{"a":"../b.safetensors"}}""", "plain file name")]
    [InlineData("""{"weight_map":{"\ud800":"a"}}""", "surrogate")]
    [InlineData("""{"weight_map":["a"]}""", "no weight_map")]
    public void DamagedIndex_IsACheckpointException(string index, string expected)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), "{}");
        File.WriteAllText(folder.File("model.safetensors.index.json"), index);
        Assert.Contains(expected, Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(folder.Path).WeightFiles()).Message);
    }

    [Fact]
    public void DamagedModelFolders_NameEverythingThatIsWrong()
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"));
        var path = Path.Combine(model, "model.safetensors");
        var writer = new SafetensorsWriter();
        using (var file = SafetensorsFile.Open(path))
        {
            foreach (var name in file.Names)
            {
                if (name.EndsWith("norm.weight", StringComparison.Ordinal) && name.Contains("language_model.model.norm")) continue;
                using var t = file.Read(name);
                if (name.EndsWith("linear_1.bias", StringComparison.Ordinal)) writer.Add(name, new float[3], 3);
                else writer.Add(name, t);
            }
        }

        writer.Add("model.surprise", [1f], 1).Write(path);
        var e = Assert.Throws<CheckpointException>(() => ModelLoader.LoadModel(new() { ModelPath = model, Device = "cpu" }));
        Assert.Equal(3, e.Problems.Count);
        Assert.Contains(e.Problems, p => p.Contains("norm.weight") && p.Contains("missing"));
        Assert.Contains(e.Problems, p => p.Contains("linear_1.bias") && p.Contains("[3]"));
        Assert.Contains(e.Problems, p => p.Contains("surprise"));
    }

    [Fact]
    public void WrongFolders_SayWhatToDo()
    {
        using var folder = new TemporaryFolder();
        string Load(string path) =>
            Assert.Throws<CheckpointException>(() => ModelLoader.LoadModel(new() { ModelPath = path, Device = "cpu" })).Message;
        Assert.Contains("config.json", Load(folder.Path));
        Assert.Contains("hf download nobody/nothing", Load("nobody/nothing"));
        File.WriteAllText(folder.File("config.json"), "{\"model_type\": \"bert\"}");
        Assert.Contains("supported are", Load(folder.Path));
        File.WriteAllText(folder.File("config.json"), "{");
        Assert.Contains("not valid JSON", Load(folder.Path));
        File.WriteAllText(folder.File("config.json"), "{\"model_type\": \"llava\"}");
        Assert.Contains("text_config", Load(folder.Path));
    }

    [Fact]
    public void MissingShard_IsNamed()
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(FixtureFolders.Copies!, "llava-1.5-b", "model"), f => !f.Contains("00002"));
        var e = Assert.Throws<CheckpointException>(() => ModelLoader.LoadModel(new() { ModelPath = model, Device = "cpu" }));
        Assert.Contains("model-00002-of-00003.safetensors", e.Message);
    }

    [Fact]
    public void HubId_IsFoundInTheLocalCache()
    {
        using var folder = new TemporaryFolder();
        var snapshot = folder.File("models--owner--name/snapshots/abc");
        Directory.CreateDirectory(snapshot);
        Directory.CreateDirectory(folder.File("models--owner--name/refs"));
        File.WriteAllText(Path.Combine(snapshot, "config.json"), "{}");
        File.WriteAllText(folder.File("models--owner--name/refs/main"), "abc\n");
        var before = Environment.GetEnvironmentVariable("HF_HUB_CACHE");
        Environment.SetEnvironmentVariable("HF_HUB_CACHE", folder.Path);
        try
        {
            Assert.Equal(snapshot, ModelLocator.Resolve("owner/name"));
            Assert.Equal("name", ModelLocator.IdOf("owner/name"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("HF_HUB_CACHE", before);
        }
    }

    [Fact]
    public void Prior_RoundTrips()
    {
        using var folder = new TemporaryFolder();
        var prior = PriorFile.Load(Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "priors.safetensors"));
        Assert.Contains(2, prior.Layers);
        PriorFile.Save(prior, folder.File("p.safetensors"));
        var again = PriorFile.Load(folder.File("p.safetensors"));
        Assert.Equal(prior.Maps.Keys.Order(), again.Maps.Keys.Order());
        Assert.All(prior.Maps, m => Assert.Equal(m.Value.Values, again.Maps[m.Key].Values));
    }

    private static byte[] Build(string header, int data) =>
        [.. BitConverter.GetBytes((long)Encoding.UTF8.GetByteCount(header)), .. Encoding.UTF8.GetBytes(header), .. new byte[data]];
}
