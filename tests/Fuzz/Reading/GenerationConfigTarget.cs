using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>Damaged generation_config.json beside a model that is loaded whole; what loads has settings that can be used.</summary>
internal sealed class GenerationConfigTarget : FileTarget
{
    private static readonly JsonElement Sound = JsonDocument.Parse(
        """{"bos_token_id": 1, "eos_token_id": [2, 3], "pad_token_id": 0, "do_sample": true, "temperature": 0.7, "top_p": 0.9, "top_k": 20, "repetition_penalty": 1.05, "max_new_tokens": 100}""").RootElement.Clone();

    public GenerationConfigTarget()
    {
        CopySmallFiles("llava-1.5-a");
        File.Copy(Path.Combine(Places.Model("llava-1.5-a"), "model.safetensors"), Path.Combine(Folder, "model.safetensors"));
    }

    public override string Name => "generation_config";

    public override byte[] Make(Random random) => JsonMutator.Mutate(random, Sound);

    public override void Run(byte[] input)
    {
        Write("generation_config.json", input);
        using var model = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = Folder, Device = "cpu" });
        var settings = model.Generation.Merge(new GenerationSettings());
        if (settings.StopIds.Any(id => id < 0)) throw new FuzzFailure("A negative stop id came through.");
        if (!double.IsFinite(settings.Temperature) || settings.TopP is <= 0 or > 1 || settings.RepetitionPenalty is <= 0)
            throw new FuzzFailure($"Settings out of range came through: {settings}");
    }
}
