using System.Text.Json.Nodes;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Tests.Provider;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Models;

/// <summary>A damaged copy of every kind of checkpoint ends in one error that names everything that is wrong.</summary>
[Collection(TorchCollection.Name)]
public sealed class DamagedFolderTests
{
    public static TheoryData<string> Fixtures() =>
        [.. Directory.GetDirectories(FixtureFolders.Copies!).Where(f => FixtureFolders.KindOf(f) == FixtureKind.Model)
            .Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void MissingMisshapenAndExtraTensors_AreNamedTogether(string fixture)
    {
        using var folder = new TemporaryFolder();
        var (model, file) = Copy(folder, fixture);
        var names = Names(file);
        var (missing, misshapen) = (names[0], names[^1]);
        Rewrite(file, (name, tensor) => name == missing ? null : name == misshapen ? torch.cat([tensor, tensor], 0)
            : tensor, extra: "surprise.weight");
        var error = Assert.Throws<CheckpointException>(() => Load(model));
        Assert.Equal(3, error.Problems.Count);
        Assert.Contains(error.Problems, p => p.Contains("is missing", StringComparison.Ordinal)
            && Tail(missing).All(t => p.Contains(t, StringComparison.Ordinal)));
        Assert.Contains(error.Problems, p => p.Contains($"'{misshapen}'", StringComparison.Ordinal)
            && p.Contains("asks for", StringComparison.Ordinal));
        Assert.Contains(error.Problems, p => p.Contains("'surprise.weight'", StringComparison.Ordinal)
            && p.Contains("not part of this model", StringComparison.Ordinal));
        Assert.All(error.Problems, p => Assert.Contains(p, error.Message, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void TruncatedFile_IsNamed(string fixture)
    {
        using var folder = new TemporaryFolder();
        var (model, file) = Copy(folder, fixture);
        using (var stream = File.OpenWrite(file)) stream.SetLength(stream.Length - 1000);
        var error = Assert.Throws<CheckpointException>(() => Load(model));
        Assert.Contains(Path.GetFileName(file), error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void ConfigurationWithoutItsParts_NamesThemAll(string fixture)
    {
        using var folder = new TemporaryFolder();
        var (model, _) = Copy(folder, fixture);
        var path = Path.Combine(model, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        string[] parts = [.. new[] { "text_config", "llm_config", "vision_config" }.Where(config.ContainsKey)];
        foreach (var part in parts) config.Remove(part);
        File.WriteAllText(path, config.ToJsonString());
        var error = Assert.Throws<CheckpointException>(() => Load(model));
        // Qwen2.5-VL's newer form without text_config reads as its older, flat one.
        Assert.All(parts.Where(p => p != "text_config" || !fixture.StartsWith("qwen", StringComparison.Ordinal)),
            p => Assert.Contains($"'{p}'", error.Message, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void ForeignTemplate_IsReportedOnce_TheOwnIsNot(string fixture)
    {
        using var folder = new TemporaryFolder();
        var (model, _) = Copy(folder, fixture);
        var own = new CollectingLogger();
        Load(model, own).Dispose();
        Assert.DoesNotContain(own.Lines, l => l.Contains("chat template", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(model, "chat_template.jinja"), "{{ messages }}");
        var foreign = new CollectingLogger();
        using var loaded = Load(model, foreign);
        var lines = foreign.Lines.Where(l => l.Contains("chat template", StringComparison.Ordinal)).ToArray();
        if (loaded.Blueprint.Template.KnownHashes.Count == 0) Assert.Empty(lines); // the remote code's template is code, no file
        else Assert.Contains("chat_template.jinja", Assert.Single(lines), StringComparison.Ordinal);
    }

    [Fact]
    public void UnknownFamily_NamesTheSupportedOnes()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), """{"model_type":"florence2"}""");
        var error = Assert.Throws<CheckpointException>(() => Load(folder.Path));
        Assert.Contains("florence2", error.Message, StringComparison.Ordinal);
        Assert.All(ModelFamilies.Supported, f => Assert.Contains(f, error.Message, StringComparison.Ordinal));
    }

    private static VisionLanguageModel Load(string path, CollectingLogger? logger = null) =>
        ModelLoader.LoadModel(new VisionModelOptions { ModelPath = path, Device = "cpu" }, logger: logger);

    private static (string Model, string File) Copy(TemporaryFolder folder, string fixture)
    {
        var model = folder.Copy(Path.Combine(FixtureFolders.Copies!, fixture, "model"));
        return (model, Directory.GetFiles(model, "*.safetensors").Order(StringComparer.Ordinal).First());
    }

    private static string[] Names(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return [.. file.Names.Where(n => n.EndsWith("weight", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    private static void Rewrite(string path, Func<string, torch.Tensor, torch.Tensor?> change, string extra)
    {
        var writer = new SafetensorsWriter().Add(extra, [1f], 1);
        using (var file = SafetensorsFile.Open(path))
        {
            foreach (var name in file.Names)
            {
                using var tensor = file.Read(name);
                if (change(name, tensor) is { } changed) writer.Add(name, changed);
            }
        }

        writer.Write(path);
    }

    // Old and new names of a tensor end alike.
    private static IEnumerable<string> Tail(string name) => [string.Join('.', name.Split('.')[^2..])];
}
