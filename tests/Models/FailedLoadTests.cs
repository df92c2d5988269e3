using System.Runtime.InteropServices;
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

    /// <summary>No request is at fault where the weights find no room.</summary>
    [Fact]
    public void MemoryThatRunsOut_IsAModelThatDoesNotFit()
    {
        var model = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model");
        var e = Assert.Throws<ModelMemoryException>(() => ModelLoader.LoadModel(Options(model), new FullCard()));
        Assert.Equal(VisionErrorKind.Unavailable, e.GetVisionErrorKind());
        Assert.IsType<ExternalException>(e.InnerException);
        Assert.InRange(e.NeededBytes, 1, e.FreeBytes);
        Assert.Contains("'cpu'", e.Message, StringComparison.Ordinal);
    }

    // At the first weights, in libtorch's words.
    private sealed class FullCard : IProgress<ModelLoadProgress>
    {
        public void Report(ModelLoadProgress value)
        {
            if (value.Stage == "Loading weights") throw new ExternalException("CUDA out of memory. Tried to allocate 172.00 MiB.");
        }
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
