using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Calibration;

/// <summary>A prior that does not fit names the command for the precision in force: another's would not fit either.</summary>
[Collection(TorchCollection.Name)]
public sealed class PriorMismatchTests
{
    private static readonly Dictionary<(int Layer, string Component), PriorMap> Maps =
        new() { [(2, "grid")] = new PriorMap(6, 6, [.. Enumerable.Repeat(0.01f, 36)]) };

    [Theory]
    [InlineData(ModelQuantization.None, "FOLDER_OF_PICTURES; or remove it.")]
    [InlineData(ModelQuantization.Int8, "FOLDER_OF_PICTURES --quantization Int8; or remove it.")]
    public void BesideTheModel(ModelQuantization quantization, string command)
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"));
        var foreign = new PositionalBiasPrior("foreign", Maps) { ModelFingerprint = new string('f', 64) };
        PriorFile.Save(foreign, ModelLoader.PriorPath(model, quantization));
        var error = Assert.Throws<PriorMismatchException>(() => ModelLoader.LoadModel(Options(model, quantization)).Dispose());
        Assert.Contains(command, error.Message, StringComparison.Ordinal);
        Assert.Contains($"--model \"{model}\"", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ModelQuantization.None, "FOLDER_OF_PICTURES --layers 3; or remove it.")]
    [InlineData(ModelQuantization.Int8, "FOLDER_OF_PICTURES --layers 3 --quantization Int8; or remove it.")]
    public void NamedByARequest_ForAnotherK(ModelQuantization quantization, string command)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("own.safetensors");
        PriorFile.Save(new PositionalBiasPrior("own", Maps), path);
        var options = Options(Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"), quantization);
        options.Priors["own"] = path;
        using var model = ModelLoader.LoadModel(options);
        Assert.Equal([2], model.Priors.Find("own", 2)!.Layers);
        var error = Assert.Throws<PriorMismatchException>(() => model.Priors.Find("own", 3));
        Assert.Contains(command, error.Message, StringComparison.Ordinal);
        // Callers are told it, and not where the model lies.
        Assert.DoesNotContain(model.Info.Folder, error.Message, StringComparison.Ordinal);
        Assert.Contains("--model \"MODEL_FOLDER\"", error.Message, StringComparison.Ordinal);
    }

    private static VisionModelOptions Options(string path, ModelQuantization quantization) =>
        new() { ModelPath = path, Device = "cpu", Quantization = quantization };
}
