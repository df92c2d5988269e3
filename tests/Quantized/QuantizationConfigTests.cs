using D2Pruner.AI.Runtime.Checkpoints;
using Xunit;

namespace D2Pruner.AI.Tests.Quantized;

/// <summary>What config.json says of quantization in a form that means nothing.</summary>
public sealed class QuantizationConfigTests
{
    [Theory]
    [InlineData("""{"quantization_config": []}""", "quantization_config is Array")]
    [InlineData("""{"quantization_config": "awq"}""", "quantization_config is String")]
    [InlineData("""{"compression_config": []}""", "compression_config is Array")]
    [InlineData("""{"text_config": {"quantization_config": []}}""", "quantization_config is Array")]
    [InlineData("""{"quantization_config": {"quantization_config": []}}""", "quantization_config is Array")]
    [InlineData("""{"quantization_config": {"config_groups": []}}""", "config_groups is Array")]
    [InlineData("""{"quantization_config": {"config_groups": {"group_0": {"weights": []}}}}""", "weights is Array")]
    [InlineData("""{"quantization_config": {"config_groups": {}, "sparsity_config": []}}""", "sparsity_config is Array")]
    [InlineData("""{"quantization_config": {"config_groups": {}, "transform_config": []}}""", "transform_config is Array")]
    public void ValueOfAnotherKind_IsNamed(string config, string named) =>
        Assert.Contains(named, Assert.Throws<CheckpointException>(() => Open(config)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"quantization_config": null, "text_config": [], "llm_config": "none"}""")]
    [InlineData("""{"quantization_config": {"config_groups": {}, "sparsity_config": null}}""")]
    public void NothingSaid_IsDense(string config) => Assert.Null(Open(config).Quantization);

    private static CheckpointFolder Open(string config)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), config);
        return CheckpointFolder.Open(folder.Path);
    }
}
