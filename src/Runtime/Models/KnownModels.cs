namespace D2Pruner.AI.Runtime.Models;

/// <summary>A short list of published checkpoints that this code loads, small ones first. A test compares every figure
/// with the model's tensor plan.</summary>
public static class KnownModels
{
    /// <summary>What stands behind every entry.</summary>
    public const string VerifiedByPlan = "every tensor's name and shape against the published files; the family's computation against " +
        "the reference on tiny models; not yet run with these weights";

    private const string Llama2 = "Llama 2 Community";

    /// <summary>The list, by size.</summary>
    public static IReadOnlyList<KnownModel> All { get; } =
    [
        new("OpenGVLab/InternVL2_5-1B", "internvl_chat", "MIT", 938_193_024, 24, 2, 64, 3328,
            "captions and short questions on small machines"),
        new("OpenGVLab/InternVL2_5-4B", "internvl_chat", "MIT, its Qwen2.5-3B part under the Qwen Research licence", 3_712_637_952, 36, 2,
            128, 3328, "documents, charts, several images"),
        new("Qwen/Qwen2.5-VL-3B-Instruct", "qwen2_5_vl", "Qwen Research", 3_754_622_976, 36, 2, 128, 391,
            "documents, boxes in JSON, function calls"),
        new("llava-hf/llava-1.5-7b-hf", "llava", Llama2, 7_063_427_072, 32, 32, 128, 576, "questions about photographs; the paper's model"),
        new("llava-hf/llava-v1.6-vicuna-7b-hf", "llava_next", Llama2, 7_063_431_168, 32, 32, 128, 2304, "detail in large photographs"),
        new("llava-hf/llava-v1.6-mistral-7b-hf", "llava_next", "Apache-2.0", 7_566_747_648, 32, 8, 128, 2304,
            "detail in large photographs; smaller KV cache"),
        new("OpenGVLab/InternVL2_5-8B", "internvl_chat", "MIT", 8_075_365_376, 32, 8, 128, 3328, "documents, charts, boxes"),
        new("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2_5_vl", "Apache-2.0", 8_292_166_656, 28, 4, 128, 391,
            "documents, boxes in JSON, function calls; the best here"),
        new("llava-hf/llava-1.5-13b-hf", "llava", Llama2, 13_351_494_656, 40, 40, 128, 576, "questions about photographs"),
    ];

    /// <summary>Finds an entry by id, any case; null where there is none.</summary>
    /// <param name="id">The id.</param>
    public static KnownModel? Find(string id) => All.FirstOrDefault(m => string.Equals(m.Id, id, StringComparison.OrdinalIgnoreCase));
}
