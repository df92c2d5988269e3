using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Prompts;
using System.Runtime.InteropServices;
using D2Pruner.AI.DemoModel.Training;
using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Evaluation.Scenes;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Text;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.DemoModel;

// The web framework brings a namespace of this name.
using Windows = D2Pruner.AI.DemoModel.Training.Windows;

/// <summary>The trainer trains the functions that serve.</summary>
[Collection(TorchCollection.Name)]
public sealed class TrainingTests
{
    private static readonly StagePlan Small = new()
    {
        Name = "test", Dense = false, Grid = 8, Batch = 2, Steps = 3, Rate = 1e-3, MinObjects = 2, MaxObjects = 3, Questions = 4,
        Mix = new() { [QuestionTask.Colour] = 1, [QuestionTask.Box] = 1, [QuestionTask.Count] = 1, [QuestionTask.Relation] = 1 },
    };

    [Theory]
    [InlineData("decoder")]
    [InlineData("projector")]
    public void Gradients_OfQuestions_EqualFiniteDifferences(string module)
    {
        using var setup = new Setup();
        var plan = Small with { Places = true, FollowUps = 0.3, Weights = new() { [QuestionTask.Count] = 3 } };
        var batch = setup.Draw(plan);
        Assert.NotEmpty(batch.PicturePlaces.Rows);
        Assert.NotEmpty(batch.AnswerPlaces.Rows);
        using var scope = NewDisposeScope();
        Tensor features;
        using (no_grad()) features = setup.Features(batch, plan);
        Tensor Loss() => DecoderStage.Forward(setup.Replica, batch, setup.Replica.Vision.Project(features), new StepStatistics()).Loss;
        setup.Compare(module, Loss);
    }

    [Fact]
    public void Gradients_OfTheTower_EqualFiniteDifferences()
    {
        using var setup = new Setup();
        using var scope = NewDisposeScope();
        var scene = Scene.Create(Split.Train, 1, 1, new SceneOptions(4, 6));
        var image = SceneImage.Draw(scene);
        var labels = PatchLabels.Of(scene, image, 4, 5, 8, 8);
        var rgb = new byte[3 * 112 * 112];
        Windows.Crop(image, 4, 5, 8, rgb);
        var pixels = new float[rgb.Length];
        PixelNormalizer.Clip.ToPlanes(rgb, pixels);
        var x = tensor(pixels, [1, 3, 112, 112]);
        var positions = tensor(Windows.Positions(4, 5, 8), [1, 65]);
        Tensor Loss()
        {
            var y = setup.Replica.Vision.Clip.Forward(
                x, [-1], null, default, static (q, k, v) => Attention.Explicit(q, k, v, null), positions)[0].narrow(1, 1, 64)
                .reshape(64, -1);
            y = Norms.Layer(y, setup.Replica["dense.norm.weight"], setup.Replica["dense.norm.bias"], 1e-5);
            return new DenseLoss([labels])
                .Compute(nn.functional.linear(y, setup.Replica["dense.linear.weight"], setup.Replica["dense.linear.bias"]),
                    new StepStatistics());
        }

        setup.Compare("tower", Loss);
        setup.Compare("dense", Loss);
    }

    [Fact]
    public void PackedQuestions_EqualPromptsOfTheirOwn()
    {
        using var setup = new Setup();
        using var scope = NewDisposeScope();
        using var none = no_grad();
        var plan = Small with { Grid = 24, Batch = 2 };
        var batch = setup.Draw(plan);
        var seen = setup.Replica.Vision.Project(setup.Features(batch, plan));
        var (_, logits) = DecoderStage.Forward(setup.Replica, batch, seen, new StepStatistics());
        var width = (int)logits.shape[1];
        var packed = MemoryMarshal.Cast<byte, float>(logits.contiguous().bytes).ToArray();
        var encoder = setup.Blueprint.PromptEncoder(setup.Tokenizer);
        var row = 0;
        foreach (var block in batch.Blocks)
        {
            for (var s = 0; s < block.Count; s++)
            {
                var (question, answer) = batch.Questions[QuestionAt(batch, row)];
                var image = new LlavaImageProcessor(new LlavaImageOptions()).Process(new DecodedImage(336, 336, new byte[3 * 336 * 336]));
                var prompt = encoder.Encode(
                    [new ChatTurn("user", [new ImagePart(ReadOnlyMemory<byte>.Empty), new TextPart(question.Text)])], [image]);
                long[] ids = [.. prompt.TokenIds, .. answer.Select(a => (long)a)];
                var whole = new EncodedPrompt
                {
                    Text = prompt.Text, TokenIds = ids, PositionIds = [[.. Enumerable.Range(0, ids.Length).Select(i => (long)i)]],
                        NextPosition = ids.Length,
                    Images = prompt.Images, VisualPositions = prompt.VisualPositions, Layouts = prompt.Layouts,
                };
                var trace = new ForwardTrace { RecordAllLogits = true };
                PromptForward.Run(setup.Replica.Decoder, whole, [new VisionOutput(seen[block.Picture], null)],
                    new PrefillOptions { Trace = trace }, default).Dispose();
                for (var a = 0; a < answer.Length; a++)
                {
                    var served = trace.Logits.AsSpan((prompt.Length + a - 1) * width, width);
                    for (var v = 0; v < width; v += 7) Assert.Equal(served[v], packed[(row + a) * width + v], 2e-3f);
                }

                row += answer.Length;
            }
        }

        Assert.Equal(batch.AnswerRows.Length, row);
    }

    [Fact]
    public void InterruptedRun_ResumesToTheSameWeights()
    {
        using var folder = new TemporaryFolder();
        StagePlan dense = new() { Name = "tower", Dense = true, Grid = 8, Batch = 1, Steps = 2, Rate = 1e-3, WarmUp = 1, MinObjects = 4,
            MaxObjects = 6 };
        TrainingPlan Plan(int first, int second) =>
            new() { Seed = 3, Stages = [dense with { Steps = first }, Small with { Steps = second, WarmUp = 1 }] };
        Trainer.Run(folder.File("whole"), Plan(2, 2), 2, false, TimeSpan.MaxValue, false, null, default);
        Trainer.Run(folder.File("parts"), Plan(2, 1), 2, false, TimeSpan.MaxValue, false, null, default);
        // As if it had been stopped in the middle of the second stage.
        var (blueprint, _) = ModelFolder.Open(folder.File("parts"));
        var layout = ParameterLayout.Of(blueprint, ModelFolder.Width);
        var state = TrainingState.Load(Path.Combine(folder.File("parts"), TrainingState.FileName), layout);
        (state.Stage, state.Step) = (1, 1);
        state.Save(folder.File("parts"));
        Trainer.Run(folder.File("parts"), Plan(2, 2), 2, true, TimeSpan.MaxValue, false, null, default);
        var whole = TrainingState.Load(Path.Combine(folder.File("whole"), TrainingState.FileName), layout);
        var parts = TrainingState.Load(Path.Combine(folder.File("parts"), TrainingState.FileName), layout);
        Assert.Equal(whole.Optimizer.Master, parts.Optimizer.Master);
        Assert.Equal(whole.Optimizer.Average, parts.Optimizer.Average);
        // What a run leaves is a folder that loads like any LLaVA.
        using var model = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = folder.File("whole"), Device = "cpu" });
        Assert.Equal(("llava", 12, 576), (model.Info.Family, model.Info.DecoderLayers, model.ImageProcessor.Plan(336, 336).TokenCount));
        Assert.InRange(model.Info.Parameters, 6_000_000, 15_000_000);
    }

    private static int QuestionAt(QuestionBatch batch, int row)
    {
        for (int q = 0, at = 0; ; at += batch.Questions[q++].Answer.Length)
        {
            if (at == row) return q;
        }
    }

    private sealed class Setup : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly ParameterLayout _layout;
        private readonly float[] _values;

        public Setup()
        {
            ModelFolder.WriteConfiguration(_folder.Path);
            var (blueprint, tokenizer) = ModelFolder.Open(_folder.Path);
            (Blueprint, Tokenizer) = (blueprint, tokenizer);
            _layout = ParameterLayout.Of(blueprint, ModelFolder.Width);
            _values = Initializer.Create(_layout, 5, ModelFolder.TowerLayers, ModelFolder.DecoderLayers);
            Replica = new Replica(_layout, blueprint, ScalarType.Float32);
            Replica.Write(_values, 0);
        }

        public Replica Replica { get; }

        public ModelBlueprint Blueprint { get; }

        public ITokenizer Tokenizer { get; }

        public QuestionBatch Draw(StagePlan plan)
        {
            QuestionTask[] tasks = [.. plan.Mix.Keys];
            return QuestionBatch.Draw(plan, new PromptIds(Tokenizer, new LlavaTemplate()), new Rng(4), r => r.Pick(tasks), [16, 24, 48]);
        }

        public Tensor Features(QuestionBatch batch, StagePlan plan)
        {
            var side = plan.Grid * 14;
            var positions = tensor(Windows.Positions(batch.Row, batch.Column, plan.Grid), [1, plan.Grid * plan.Grid + 1]);
            return Replica.Vision.Clip.Forward(
                tensor(batch.Pixels, [plan.Batch, 3, side, side]), [-1], null, default,
                static (q, k, v) => Attention.Explicit(q, k, v, null), positions)[0].narrow(1, 1, plan.Grid * plan.Grid).contiguous();
        }

        /// <summary>The slope of the loss along the gradient's direction must be the gradient's length.</summary>
        public void Compare(string module, Func<Tensor> loss)
        {
            Array.Clear(Replica.Gradient);
            Replica.Backward(loss(), [module]);
            var slots = _layout.Slots.Where(s => s.Module == module).ToArray();
            double square = 0;
            foreach (var s in slots) foreach (var g in Replica.Gradient.AsSpan(s.Offset, s.Count)) square += (double)g * g;
            var length = Math.Sqrt(square);
            Assert.True(length > 1e-3, $"the gradient of {module} vanishes");
            const double Step = 3e-3;
            double Moved(double by)
            {
                var moved = (float[])_values.Clone();
                foreach (var s in slots)
                    for (var i = s.Offset; i < s.Offset + s.Count; i++) moved[i] += (float)(by * Replica.Gradient[i] / length);
                Replica.Write(moved, 0);
                using var none = no_grad();
                using var scope = NewDisposeScope();
                return loss().item<float>();
            }

            var slope = (Moved(Step) - Moved(-Step)) / (2 * Step);
            Replica.Write(_values, 0);
            Assert.InRange(slope / length, 0.97, 1.03);
        }

        public void Dispose()
        {
            Replica.Dispose();
            _folder.Dispose();
        }
    }
}
