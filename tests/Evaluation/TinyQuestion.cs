using D2Pruner.AI.Evaluation.Rivals;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Prompts;
using TorchSharp;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>A question to a tiny checkpoint of the repository, in fp32.</summary>
internal sealed class TinyQuestion : IDisposable
{
    public const int MostTokens = 8;
    private readonly IDisposable _inference = torch.inference_mode();

    public TinyQuestion(string name, string image = "p0.png")
    {
        var folder = Path.Combine(D2Pruner.AI.Conformance.FixtureFolders.Copies!, name);
        Model = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = Path.Combine(folder, "model"), Device = "cpu",
            Precision = ModelPrecision.Float32 });
        var bytes = File.ReadAllBytes(Path.Combine(folder, "images", image));
        Image = Model.ImageProcessor.Process(ImageDecoder.Decode(bytes));
        Vision = Model.Vision.Encode(Image, true);
        Prompt = Model.PromptEncoder.Encode(
            [new ChatTurn("user", [new ImagePart(bytes), new TextPart("What is shown in this image? Say it in a word.")])], [Image]);
        Forward = new SharedForward(Model, Prompt, [Vision], default);
        View = TowerView.Of(Model, Image);
    }

    public VisionLanguageModel Model { get; }

    public ProcessedImage Image { get; }

    public VisionOutput Vision { get; }

    public EncodedPrompt Prompt { get; }

    public SharedForward Forward { get; }

    public TowerView? View { get; }

    public ForwardAnswer Unpruned => Forward.Answer(null, [], null, true, MostTokens);

    public void Dispose()
    {
        Forward.Dispose();
        Vision.Features.Dispose();
        Model.Dispose();
        _inference.Dispose();
    }
}
