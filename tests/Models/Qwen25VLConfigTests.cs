using System.Text.Json.Nodes;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Models.InternVL;
using Xunit;

namespace D2Pruner.AI.Tests.Models;

/// <summary>Sparse and unusual configurations.</summary>
public sealed class Qwen25VLConfigTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AbsentKeys_TakeTheClassDefaults()
    {
        var text = Read("config.json", c =>
        {
            c.Remove("rms_norm_eps");
            c.Remove("rope_theta");
        }).Text;
        Assert.Equal((1e-5, 1e6), (text.RmsNormEps, text.RopeTheta));
    }

    [Theory]
    [InlineData("resample", "2")]
    [InlineData("do_normalize", "false")]
    [InlineData("temporal_patch_size", "1")]
    public void ImageSettingsThatNobodyHonours_AreRefused(string key, string value) => Assert.Contains(
        key,
        Assert.Throws<CheckpointException>(() => Read("preprocessor_config.json", c => c[key] = JsonNode.Parse(value))).Message,
        StringComparison.Ordinal);

    // InternVLChatConfig's default, where transformers' own has the other.
    [Fact]
    public void PixelShuffle_WhereTheFileIsSilent_IsTheClasss()
    {
        static InternVLConfig Of(string fixture, Func<ConfigReader, InternVLConfig> read)
        {
            var path = Path.Combine(FixtureFolders.Copies!, fixture, "model", "config.json");
            var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
            json.Remove("ps_version");
            return read(new ConfigReader(System.Text.Json.JsonSerializer.SerializeToElement(json)));
        }

        Assert.True(Of("internvl-qwen2", InternVLConfig.ReadRemote).Transposed);
        Assert.False(Of("internvl-hf", InternVLConfig.ReadNative).Transposed);
    }

    private ModelBlueprint Read(string file, Action<JsonObject> change)
    {
        var path = _folder.Copy(Path.Combine(FixtureFolders.Copies!, "qwen2.5-vl-flat", "model"));
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(path, file)))!.AsObject();
        change(json);
        File.WriteAllText(Path.Combine(path, file), json.ToJsonString());
        return ModelFamilies.Read(CheckpointFolder.Open(path));
    }
}
