using System.Runtime.InteropServices;
using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Runtime.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>Pictures with their questions, laid out for one packed forward pass.</summary>
internal sealed class QuestionBatch
{
    private const double CoordinateWeight = 0.5;
    private const double EndWeight = 0.1;

    // Neighbouring coordinates are almost right: the target is a Gaussian of one bin.
    private static readonly double[] Smoothing = [0.3990, 0.2420, 0.0540, 0.0045];

    /// <summary>[pictures, 3, side, side].</summary>
    public required float[] Pixels { get; init; }

    public required int Row { get; init; }

    public required int Column { get; init; }

    public required long[] Prefix { get; init; }

    public required int PictureLength { get; init; }

    public required IReadOnlyList<PackedBlock> Blocks { get; init; }

    public required long[] TextIds { get; init; }

    public required long[] PositionIds { get; init; }

    /// <summary>Rows of the packed sequence that predict answer tokens, question after question.</summary>
    public required long[] AnswerRows { get; init; }

    /// <summary>[answer rows, vocabulary].</summary>
    public required float[] Targets { get; init; }

    public required float[] Weights { get; init; }

    /// <summary>What each answer row weighs where attention is taught; 1 on average.</summary>
    public required float[] AttentionWeights { get; init; }

    public required float[] SubjectMask { get; init; }

    public required float[] CountTarget { get; init; }

    public required float[] ReferenceMask { get; init; }

    public required IReadOnlyList<(Question Question, int[] Answer)> Questions { get; init; }

    /// <inheritdoc cref="StagePlan.SecondCount"/>
    public required bool SecondCount { get; init; }

    /// <summary>Rows of pictures' tokens on objects, and the sides of those, four a row, 0..1; empty where
    /// the plan does not teach them.</summary>
    public required (long[] Rows, float[] Sides) PicturePlaces { get; init; }

    /// <summary>Answer rows of questions about one thing, and the sides of it.</summary>
    public required (long[] Rows, float[] Sides) AnswerPlaces { get; init; }

    public static QuestionBatch Draw(StagePlan plan, PromptIds prompts, Rng rng, Func<Rng, QuestionTask> pick, int[] lengths)
    {
        var grid = plan.Grid;
        var (row, column) = (rng.Int(PatchLabels.GridSide - grid + 1), rng.Int(PatchLabels.GridSide - grid + 1));
        var side = grid * PatchLabels.Patch;
        var region = new Box(column * PatchLabels.Patch, row * PatchLabels.Patch, column * PatchLabels.Patch + side,
            row * PatchLabels.Patch + side);
        var options = new SceneOptions(plan.MinObjects, plan.MaxObjects, plan.PlateChance, plan.MaxPlates) { Region = region };
        var pixels = new float[plan.Batch * 3 * side * side];
        var rgb = new byte[3 * side * side];
        var (segments, owned) = (new List<Segment>(), new List<PatchLabels>());
        for (var b = 0; b < plan.Batch; b++)
        {
            var scene = Scene.Sample(rng, options);
            var image = SceneImage.Draw(scene);
            var labels = PatchLabels.Of(scene, image, row, column, grid, grid);
            owned.Add(labels);
            Windows.Crop(image, row, column, grid, rgb);
            PixelNormalizer.Clip.ToPlanes(rgb, pixels.AsSpan(b * rgb.Length, rgb.Length));
            var writer = new QuestionWriter(rng, scene);
            Question? last = null;
            for (var i = 0; i < plan.Questions; i++)
            {
                var question = writer.Ask(pick(rng)) ?? writer.Ask(QuestionTask.Existence);
                if (question is null) continue;
                var follows = plan.FollowUps > 0 && rng.Chance(plan.FollowUps) && last is not null;
                var (ids, prompt) = prompts.Encode(question.Text, question.Answer, follows ? (last!.Text, last.Answer) : null);
                last = question;
                if (ids.Length <= lengths[^1]) segments.Add(new Segment(b, question, ids, prompt, labels));
            }
        }

        return Pack(plan, prompts, segments, owned, pixels, row, column, lengths);
    }

    private static QuestionBatch Pack(
        StagePlan plan, PromptIds prompts, List<Segment> segments, List<PatchLabels> owned, float[] pixels, int row,
        int column, int[] lengths)
    {
        var (grid, prefix) = (plan.Grid, prompts.Prefix);
        var pictureLength = prefix.Length + grid * grid;
        var after = prefix.Length + PatchLabels.GridSide * PatchLabels.GridSide;
        var positions = new List<long>();
        for (var b = 0; b < plan.Batch; b++)
        {
            for (var i = 0; i < prefix.Length; i++) positions.Add(i);
            foreach (var p in Windows.Positions(row, column, grid).AsSpan(1)) positions.Add(prefix.Length + p - 1);
        }

        var vocabulary = (prompts.Vocabulary + 7) / 8 * 8;
        var (text, answerRows, blocks, ordered) = (new List<long>(), new List<long>(), new List<PackedBlock>(), new List<Segment>());
        foreach (var group in segments.GroupBy(s => (s.Picture, Length: lengths.First(l => l >= s.Ids.Length))).OrderBy(g => g.Key))
        {
            var start = positions.Count;
            var rows = new List<long>();
            var count = 0;
            foreach (var s in group)
            {
                for (var i = 0; i < group.Key.Length; i++)
                {
                    text.Add(i < s.Ids.Length ? s.Ids[i] : prompts.EndId);
                    positions.Add(after + i);
                }

                for (var i = s.Prompt; i < s.Ids.Length; i++) rows.Add(count * group.Key.Length + i - 1);
                ordered.Add(s);
                count++;
            }

            blocks.Add(new PackedBlock(group.Key.Picture, start, count, group.Key.Length, [.. rows]));
            answerRows.AddRange(rows.Select(r => start + r));
        }

        var (targets, weights, emphasis) =
            (new float[answerRows.Count * vocabulary], new float[answerRows.Count], new float[answerRows.Count]);
        var (subject, counting, reference) =
            (new float[answerRows.Count * pictureLength], new float[answerRows.Count * pictureLength],
                new float[answerRows.Count * pictureLength]);
        var r = 0;
        var (pictureRows, pictureSides, placeRows, placeSides) = (new List<long>(), new List<float>(), new List<long>(), new List<float>());
        foreach (var (picture, labels) in plan.Places ? owned.Index() : [])
        {
            for (var i = 0; i < labels.Owner.Length; i++)
            {
                if (labels.HasBox[i] == 0) continue;
                pictureRows.Add(picture * pictureLength + prefix.Length + i);
                pictureSides.AddRange(Place(labels, i));
            }
        }

        foreach (var s in ordered)
        {
            var patch = plan.Places && s.Question.Referents is [var only]
                ? Enumerable.Range(0, s.Labels.Owner.Length)
                .FirstOrDefault(i => s.Labels.Owner[i] == only && s.Labels.HasBox[i] > 0, -1) : -1;
            for (var i = 0; patch >= 0 && i < s.Ids.Length - s.Prompt; i++)
            {
                placeRows.Add(answerRows[r + i]);
                placeSides.AddRange(Place(s.Labels, patch));
            }

            for (var i = s.Prompt; i < s.Ids.Length; i++, r++)
            {
                emphasis[r] = (float)plan.Weights.GetValueOrDefault(s.Question.Task, 1);
                weights[r] = emphasis[r] * (float)Target(prompts, s.Ids[i], targets.AsSpan(r * vocabulary, vocabulary));
                s.Attention(prefix.Length, subject.AsSpan(r * pictureLength, pictureLength),
                    counting.AsSpan(r * pictureLength, pictureLength), reference.AsSpan(r * pictureLength, pictureLength));
            }
        }

        var total = emphasis.Sum();
        return new QuestionBatch
        {
            Pixels = pixels,
            Row = row,
            Column = column,
            Prefix = prefix,
            PictureLength = pictureLength,
            Blocks = blocks,
            TextIds = [.. text],
            PositionIds = [.. positions],
            AnswerRows = [.. answerRows],
            Targets = targets,
            Weights = weights,
            AttentionWeights = Array.ConvertAll(emphasis, e => e * emphasis.Length / total),
            SubjectMask = subject,
            CountTarget = counting,
            ReferenceMask = reference,
            SecondCount = plan.SecondCount,
            PicturePlaces = ([.. pictureRows], [.. pictureSides]),
            AnswerPlaces = ([.. placeRows], [.. placeSides]),
            Questions = [.. ordered.Select(s => (s.Question, s.Ids[s.Prompt..]))],
        };
    }

    private static IEnumerable<float> Place(PatchLabels labels, int patch) =>
        labels.Absolute[(4 * patch)..(4 * patch + 4)].Select(side => side / PatchLabels.GridSide);

    private static double Target(PromptIds prompts, int id, Span<float> row)
    {
        var (family, at) = prompts.Coordinate(id);
        if (at < 0)
        {
            row[id] = 1;
            return id == prompts.EndId ? EndWeight : 1;
        }

        double sum = 0;
        for (var d = -3; d <= 3; d++) sum += at + d is >= 0 and <= 100 ? Smoothing[Math.Abs(d)] : 0;
        for (var d = -3; d <= 3; d++)
        {
            if (at + d is >= 0 and <= 100) row[family[at + d]] = (float)(Smoothing[Math.Abs(d)] / sum);
        }

        return CoordinateWeight;
    }

    /// <summary>Accuracy per task with the true answer as context: all tokens right, or for boxes IoU at least 0.5.</summary>
    public void Measure(Tensor logits, PromptIds prompts, StepStatistics statistics)
    {
        using var best = logits.argmax(-1);
        var ids = MemoryMarshal.Cast<byte, long>(best.bytes);
        var row = 0;
        foreach (var (question, answer) in Questions)
        {
            var given = ids.Slice(row, answer.Length);
            row += answer.Length;
            var right = true;
            for (var i = 0; i < answer.Length; i++)
            {
                var (family, at) = prompts.Coordinate(answer[i]);
                if (at >= 0 && Array.IndexOf(family, (int)given[i]) is >= 0 and var guess)
                    statistics.Add($"bins.{question.Task}", Math.Abs(at - guess));
            }

            if (question.Box is not null)
            {
                var start = answer.AsSpan().IndexOfAny(prompts.First);
                var (t, p) = (Sides(answer.AsSpan(start)), Sides(given[start..]));
                right = p is not null && Iou(t!, p) >= 0.5;
            }
            else
            {
                for (var i = 0; i < answer.Length; i++)
                    right &= given[i] == answer[i] || Array.IndexOf(prompts.First, answer[i]) >= 0
                        || Array.IndexOf(prompts.Others, answer[i]) >= 0;
            }

            statistics.Add($"acc.{question.Task}", right ? 1 : 0);
        }

        int[]? Sides<T>(ReadOnlySpan<T> tokens)
            where T : struct, System.Numerics.IBinaryInteger<T>
        {
            var sides = new int[4];
            for (var i = 0; i < 4; i++)
            {
                sides[i] = Array.IndexOf(i == 0 ? prompts.First : prompts.Others, int.CreateChecked(tokens[i]));
                if (sides[i] < 0) return null;
            }

            return sides;
        }
    }

    /// <summary>Per kind of question, how much of the supervised head's attention lies on what is asked about.</summary>
    public void MeasureAttention(Tensor probabilities, StepStatistics statistics)
    {
        using var scope = NewDisposeScope();
        var mass = (probabilities.detach().to(ScalarType.Float32) * tensor(SubjectMask, probabilities.shape)).sum(-1);
        var values = MemoryMarshal.Cast<byte, float>(mass.bytes);
        var row = 0;
        foreach (var (question, answer) in Questions)
        {
            statistics.Add($"mass.{question.Task}", values[row]);
            row += answer.Length;
        }
    }

    private static double Iou(int[] a, int[] b)
    {
        double inner = Math.Max(0, Math.Min(a[2], b[2]) - Math.Max(a[0], b[0])) * Math.Max(0, Math.Min(a[3], b[3]) - Math.Max(a[1], b[1]));
        double Area(int[] s) => Math.Max(0, s[2] - s[0]) * Math.Max(0, s[3] - s[1]);
        return inner / Math.Max(1, Area(a) + Area(b) - inner);
    }

    private sealed record Segment(int Picture, Question Question, int[] Ids, int Prompt, PatchLabels Labels)
    {
        /// <summary>Where each answer token should look: subjects, subjects' centres with BOS as one more (a counting head), the
        /// reference; BOS where there is none.</summary>
        public void Attention(int prefix, Span<float> subject, Span<float> counting, Span<float> reference)
        {
            var any = Mark(prefix, subject, o => Question.Plate is null ? Question.Referents.Contains(o) : o == -2);
            if (!any) subject[0] = 1;
            if (Question.Reference is not { } other || !Mark(prefix, reference, o => o == other)) reference[0] = 1;
            var centres = new List<int>();
            for (var i = 0; i < Labels.Owner.Length; i++)
            {
                if (Labels.Centre[i] > 0 && Question.Referents.Contains(Labels.Owner[i])) centres.Add(i);
            }

            var share = 1f / (centres.Count + 1);
            counting[0] = share;
            foreach (var i in centres) counting[prefix + i] = share;
        }

        private bool Mark(int prefix, Span<float> row, Func<int, bool> chosen)
        {
            var any = false;
            for (var i = 0; i < Labels.Owner.Length; i++)
            {
                if (!chosen(Labels.Owner[i])) continue;
                row[prefix + i] = 1;
                any = true;
            }

            return any;
        }
    }
}
