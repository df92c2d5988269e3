using D2Pruner.AI.Evaluation.Data;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Models.Qwen25VL;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>How published figures were taken, where that is not how a model is served. Only of LLaVA-1.5: Vicuna's system line, and the
/// image padded to a square with the mean colour. Templates and processors of the other families are those of their harness.</summary>
internal static class PublishedHarness
{
    /// <summary>The system line of LLaVA's conversation <c>vicuna_v1</c>.</summary>
    public const string SystemLine = "A chat between a curious user and an artificial intelligence assistant. The assistant gives " +
        "helpful, detailed, and polite answers to the user's questions.";

    /// <summary>A request in the wording of a folder's model, whose boxes lie where its image processor puts them.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="split">The part.</param>
    /// <param name="limit">Most questions.</param>
    /// <param name="seed">Seed of the sample.</param>
    /// <param name="asServed">Ask as the model is served.</param>
    /// <exception cref="CheckpointException">The folder holds no model of a known family, or its configuration is wrong.</exception>
    public static DataRequest Request(string folder, string split, int limit, ulong seed, bool asServed)
    {
        var images = ModelFamilies.Read(CheckpointFolder.Open(folder)) switch
        {
            LlavaBlueprint llava => llava.ImageProcessor(asServed ? ImageFit.FromProcessor : ImageFit.Pad),
            Qwen25VLBlueprint qwen => qwen.ImageProcessor(ImageFit.FromProcessor),
            _ => null,
        };
        return new DataRequest(split, limit, seed, DataSets.StyleOf(folder))
        {
            AsServed = asServed, Units = images is null ? null : (width, height) => images.Plan(width, height).Map.Unit,
        };
    }

    /// <summary>Whether a question is asked otherwise than the model is served.</summary>
    public static bool Applies(VisionLanguageModel model, EvaluationSample sample) =>
        sample.AsPublished && model.Blueprint is LlavaBlueprint;

    /// <summary>What makes a question's image ready.</summary>
    public static IImageProcessor Images(VisionLanguageModel model, EvaluationSample sample) =>
        Applies(model, sample) ? model.Blueprint.ImageProcessor(ImageFit.Pad) : model.ImageProcessor;

    /// <summary>A question's conversation.</summary>
    /// <param name="model">The model.</param>
    /// <param name="sample">The question.</param>
    /// <param name="image">Its encoded image; null without one.</param>
    public static ChatTurn[] Turns(VisionLanguageModel model, EvaluationSample sample, byte[]? image)
    {
        var text = new TextPart(sample.Prompt);
        var user = new ChatTurn("user", image is null ? [text] : [new ImagePart(image), text]);
        return Applies(model, sample) ? [new ChatTurn("system", [new TextPart(SystemLine)]), user] : [user];
    }
}
