using System.Diagnostics;
using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>Trains projector and decoder on questions over the frozen tower; several pictures with several
/// questions each in one packed sequence.</summary>
internal sealed class DecoderStage(StagePlan plan, PromptIds prompts) : IStage
{
    /// <summary>Layers (0-based) of which two heads are taught where to look. Pruning scores at 1 (K = 2)
    /// and 4 (K = 5): not among them.</summary>
    public const int SubjectLayer = 3;

    /// <summary>The second one.</summary>
    public const int RelationLayer = 7;

    private const double AttentionWeight = 0.6;
    private const double PlaceWeight = 2.0;
    private static readonly int[] Lengths = [13, 16, 20, 26, 48];
    private readonly (QuestionTask Task, double Cumulated)[] _mix = Cumulate(plan.Mix);

    public IReadOnlyCollection<string> Modules { get; } = ["projector", "decoder"];

    public void Step(Replica replica, Rng rng, StepStatistics statistics)
    {
        using var scope = NewDisposeScope();
        var watch = Stopwatch.StartNew();
        var batch = QuestionBatch.Draw(plan, prompts, rng, Pick, Lengths);
        Lap("ms.draw");
        var visual = plan.Grid * plan.Grid;
        Tensor features;
        using (no_grad())
        {
            var pixels = tensor(batch.Pixels, [plan.Batch, 3, plan.Grid * PatchLabels.Patch, plan.Grid * PatchLabels.Patch], replica.Type);
            var positions = tensor(Windows.Positions(batch.Row, batch.Column, plan.Grid), [1, visual + 1]);
            features = replica.Vision.Clip.Forward(
                pixels, [-1], null, default, static (q, k, v) => Attention.Explicit(q, k, v, null), positions)[0]
                .narrow(1, 1, visual).contiguous();
        }

        Lap("ms.tower");
        var seen = replica.Vision.Project(features);
        var (loss, logits) = Forward(replica, batch, seen, statistics);
        batch.Measure(logits, prompts, statistics);
        Lap("ms.forward");
        replica.Backward(loss, Modules);
        Lap("ms.backward");

        void Lap(string name)
        {
            statistics.Add(name, watch.Elapsed.TotalMilliseconds);
            watch.Restart();
        }
    }

    internal static (Tensor Loss, Tensor Logits) Forward(Replica replica, QuestionBatch batch, Tensor seen, StepStatistics statistics)
    {
        using var scope = NewDisposeScope();
        var decoder = replica.Decoder;
        var c = decoder.Config;
        var prefix = decoder.Embed(batch.Prefix)[0];
        var text = decoder.Embed(batch.TextIds)[0];
        var parts = new List<Tensor>();
        for (var b = 0; b < seen.shape[0]; b++)
        {
            parts.Add(prefix);
            parts.Add(seen[b]);
        }

        parts.Add(text);
        var x = cat(parts, 0).unsqueeze(0);
        var (cos, sin) = decoder.RotaryTable([batch.PositionIds]);
        var packed = new PackedPrompt((int)seen.shape[0], batch.PictureLength, batch.Blocks);
        var attention = new List<Tensor>();
        var places = new List<Tensor>();
        for (var layer = 0; layer < c.Layers; layer++)
        {
            var capture = layer is SubjectLayer or RelationLayer && c.Layers > RelationLayer ? attention : null;
            if (layer == SubjectLayer) Teach("picture", batch.PicturePlaces);
            x = DecoderLayer.Forward(x, decoder.Weights.Layers[layer], c, cos, sin, (q, k, v) => packed.Attend(q, k, v, capture));
            if (layer is SubjectLayer or RelationLayer) Teach($"answer{layer}", batch.AnswerPlaces);
        }

        var rows = x[0].index_select(0, tensor(batch.AnswerRows));
        var logits = decoder.Head(decoder.FinalNorm(rows));
        var logp = nn.functional.log_softmax(logits, -1);
        var ce = (logp * tensor(batch.Targets, logits.shape)).sum(-1).neg() * tensor(batch.Weights);
        var loss = ce.sum().Over(batch.Questions.Count);
        statistics.Add("loss.answer", loss.item<float>(), batch.Questions.Count);
        foreach (var place in places) loss = loss.Plus(place.Times(PlaceWeight));
        if (attention.Count == 0) return (loss.MoveToOuterDisposeScope(), logits.detach().MoveToOuterDisposeScope());
        var emphasis = tensor(batch.AttentionWeights);
        Tensor Mass(Tensor p, float[] mask) =>
            ((p.to(ScalarType.Float32) * tensor(mask, p.shape)).sum(-1).Plus(1e-6).log().neg() * emphasis).mean();
        batch.MeasureAttention(attention[0], statistics);
        var subject = Mass(attention[0], batch.SubjectMask);
        Tensor Counting(Tensor p) =>
            ((p.to(ScalarType.Float32).Plus(1e-6).log() * tensor(batch.CountTarget, p.shape)).sum(-1).neg() * emphasis).mean();
        var counting = Counting(attention[1]);
        var subject2 = Mass(attention[3], batch.SubjectMask);
        var reference = Mass(attention[4], batch.ReferenceMask);
        var taughtMass = subject.Plus(counting).Plus(subject2).Plus(reference);
        if (batch.SecondCount)
        {
            var again = Counting(attention[5]);
            statistics.Add("loss.attend_count2", again.item<float>());
            taughtMass = taughtMass.Plus(again);
        }

        statistics.Add("loss.attend_subject", subject.item<float>());
        statistics.Add("loss.attend_count", counting.item<float>());
        statistics.Add("loss.attend_subject2", subject2.item<float>());
        statistics.Add("loss.attend_reference", reference.item<float>());
        foreach (var a in attention) a.Dispose(); // the graph keeps what it needs
        return (loss.Plus(taughtMass.Times(AttentionWeight)).MoveToOuterDisposeScope(), logits.detach().MoveToOuterDisposeScope());

        void Teach(string name, (long[] Rows, float[] Sides) taught)
        {
            if (taught.Rows.Length == 0) return;
            var place = PlaceCode.Loss(x[0].index_select(0, tensor(taught.Rows)), taught.Sides);
            statistics.Add($"loss.place_{name}", place.item<float>());
            places.Add(place);
        }
    }

    private static (QuestionTask, double)[] Cumulate(Dictionary<QuestionTask, double> mix)
    {
        double sum = 0;
        return [.. mix.OrderBy(p => p.Key).Select(p => (p.Key, sum += p.Value))];
    }

    private QuestionTask Pick(Rng rng)
    {
        var at = rng.Double() * _mix[^1].Cumulated;
        return _mix.First(m => at < m.Cumulated).Task;
    }
}
