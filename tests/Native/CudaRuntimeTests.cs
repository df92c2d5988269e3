using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Native;
using Xunit;

namespace D2Pruner.AI.Tests.Native;

/// <summary>The CUDA runtime is found under the name that libtorch's package gives it.</summary>
[Collection(TorchCollection.Name)]
public sealed class CudaRuntimeTests
{
    [Theory]
    [InlineData("libcudart-218eec4c.so.12", true)]
    [InlineData("libcudart.so.13", true)]
    [InlineData("cudart64_12.dll", true)]
    [InlineData("libcuda.so.1", false)]
    [InlineData("libtorch_cuda.so", false)]
    public void Name_IsKnown(string file, bool known) => Assert.Equal(known, CudaRuntime.IsName(file));

    [Fact]
    public void ALoadedLibrary_IsFound()
    {
        TorchEnvironment.EnsureLoaded();
        var found = CudaRuntime.Loaded(file => file == TorchEnvironment.FileName("torch_cpu"));
        Assert.True(File.Exists(found));
        Assert.Null(CudaRuntime.Loaded(file => file.StartsWith("libnothing", StringComparison.Ordinal)));
    }
}
