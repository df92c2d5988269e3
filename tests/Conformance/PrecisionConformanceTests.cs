using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>16-bit computation stays near the fp32 golden logits (values to about 20), for every family.</summary>
[Collection(TorchCollection.Name)]
[Trait("Category", "Conformance")]
public sealed class PrecisionConformanceTests
{
    // Random weights magnify one rounding more or less: 0.04 to 0.14 here, by libtorch's products and by widened ones alike.
    private const double MaxMean = 0.2;

    public static TheoryData<string, ModelPrecision> Rows()
    {
        var data = new TheoryData<string, ModelPrecision>();
        foreach (var folder in ModelFixture.Folders)
        {
            data.Add(folder, ModelPrecision.BFloat16);
            data.Add(folder, ModelPrecision.Float16);
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void Logits_StayNearTheGoldenOnes(string folder, ModelPrecision precision)
    {
        Skip.If(TestDevice.IsCpu && precision == ModelPrecision.Float16, "fp16 is refused on CPU");
        using var runner = new ModelCaseRunner(folder, precision, TestDevice.Name);
        var c = ModelCase.Read(folder)[0];
        var expected = (float[])ModelConformanceTests.Expected(folder, c.Name)["logits"].Data;
        var actual = (float[])runner.Compute(c).Tensors["logits"].Data;
        // A golden file may hold the last row only.
        var offset = actual.Length - expected.Length;
        var mean = expected.Select((e, i) => Math.Abs(e - actual[offset + i])).Average();
        Assert.True(mean < MaxMean, $"mean difference {mean}");
        Assert.True(mean > 0, "nothing was computed in 16 bit");
    }
}
