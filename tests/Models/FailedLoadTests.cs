using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Models;

/// <summary>A load that fails late frees what it made before.</summary>
[Collection(TorchCollection.Name)]
public sealed class FailedLoadTests
{
    [Fact]
    public void PriorThatCannotBeRead_LeavesNoMoreThanAModelThatWasDisposed()
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"));
        ModelLoader.LoadModel(Options(model)).Dispose(); // what is made once for all
        var loaded = Left(() => ModelLoader.LoadModel(Options(model)).Dispose());
        File.WriteAllText(Path.Combine(model, ModelLoader.PriorFileName), "none");
        Assert.Equal(loaded, Left(() => Assert.Throws<SafetensorsException>(() => ModelLoader.LoadModel(Options(model)))));
    }

    private static VisionModelOptions Options(string model) => new() { ModelPath = model, Device = "cpu" };

    // Tensors that only a finalizer frees.
    private static long Left(Action load)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        var before = Tensor.TotalCount;
        load();
        return Tensor.TotalCount - before;
    }
}
