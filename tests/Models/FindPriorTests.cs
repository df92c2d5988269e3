using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Models;

/// <summary>The prior that a load takes and <c>inspect</c> tells of: the precision's own before the checkpoint's.</summary>
public sealed class FindPriorTests
{
    [Fact]
    public void ThePrecisionsOwn_GoesBeforeTheCheckpoints()
    {
        using var folder = new TemporaryFolder();
        var (own, checkpoints) = (ModelLoader.PriorPath(folder.Path, ModelQuantization.Int8), folder.File(ModelLoader.PriorFileName));
        Assert.Equal(checkpoints, Found(ModelQuantization.Int8)); // neither is there
        File.WriteAllText(own, "");
        Assert.Equal(own, Found(ModelQuantization.Int8));
        File.WriteAllText(checkpoints, "");
        Assert.Equal(own, Found(ModelQuantization.Int8));
        Assert.Equal(checkpoints, Found(ModelQuantization.Int4));
        Assert.Equal(checkpoints, Found(ModelQuantization.None));

        string Found(ModelQuantization quantization) => ModelLoader.FindPrior(folder.Path, quantization);
    }
}
