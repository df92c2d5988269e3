using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using D2Pruner.AI.Evaluation.Metrics;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>Computes what a metrics case asks for; the result's properties are named as the golden's
/// ("expected", "expected_percent").</summary>
internal static class MetricCases
{
    public static readonly JsonSerializerOptions Json = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Name of a result whose golden null means "no letter" instead of "may choose".</summary>
    public const string NoLetter = "expected letter";

    private static readonly Dictionary<string, Func<JsonElement, object?>> Known = new()
    {
        ["evalai_normalize"] = c => VqaText.EvalAi(S(c, "text")),
        ["vqa_official_normalize"] = c => VqaText.Official(S(c, "text")),
        ["vlmevalkit_normalize"] = c => VqaText.VlmEvalKit(S(c, "text")),
        ["evalai_score"] = c => VqaAccuracy.EvalAi(P(c), Answers(c)),
        ["vqa_official_score"] = c =>
        Both(VqaAccuracy.Official(P(c), Answers(c)), "expected_percent", PythonText.Round2(100 * VqaAccuracy.Official(P(c), Answers(c)))),
        ["vqav2_lmms_score"] = c => Both(VqaAccuracy.Lmms(P(c), Answers(c)), "expected_submission", VqaText.Official(P(c))),
        ["vlmevalkit_score"] = c => VqaAccuracy.VlmEvalKit(P(c), Answers(c)),
        ["vqa_official_dataset"] = VqaDataset,
        ["textvqa_score"] = c => Both(VqaAccuracy.EvalAi(P(c), Answers(c)), "expected_submission", VqaText.EvalAi(P(c))),
        ["vizwiz_score"] = c => Both(VqaAccuracy.EvalAi(P(c), Answers(c)), "expected_submission", VqaText.EvalAi(P(c))),
        ["vizwiz_vlmevalkit_score"] = c => VqaAccuracy.VlmEvalKit(P(c), Answers(c)),
        ["vizwiz_submission_llava"] = c => VqaText.EvalAi(P(c)),
        ["vizwiz_dataset"] = c => Items(c).Average(i => VqaAccuracy.EvalAi(P(i), Answers(i))),
        ["textvqa_dataset"] = c => Items(c).Average(i => VqaAccuracy.EvalAi(P(i), Answers(i))) is var x
        ? new { accuracy = x, printed = PythonText.Format2(100 * x) } : null,
        ["question_from_llava_prompt"] = c => TextVqaPrompts.Question(S(c, "prompt")),
        ["textvqa_lmms_prompt"] = c =>
        TextVqaPrompts.Lmms(S(c, "question"), c.GetProperty("ocr").GetBoolean() ? Strings(c, "ocr_tokens") : null),
        ["gqa_official"] = c => new { normalized = GqaMatch.Normalize(P(c)), correct = GqaMatch.Official(P(c), S(c, "answer")) },
        ["gqa_lmms"] = c => One(GqaMatch.Lmms(P(c), S(c, "answer"))),
        ["gqa_vlmevalkit"] = c => One(GqaMatch.VlmEvalKit(P(c), S(c, "answer"))),
        ["gqa_dataset"] = c => Strings(c, "predictions").Zip(Strings(c, "answers"), GqaMatch.Official).Average(One) * 100 is var x
        ? new { accuracy = x, printed = PythonText.Format2(x) } : null,
        ["pope_parse"] = c => Pope.IsYes(S(c, "text")) ? "yes" : "no",
        ["pope_vlmevalkit_parse"] = c => Pope.VlmEvalKitParse(S(c, "text")) switch { true => "Yes", false => "No", null => "Unknown" },
        ["pope_metrics"] = c => PopeMetrics(Strings(c, "texts"), Strings(c, "labels")),
        ["pope_overall"] = PopeOverall,
        ["pope_lmms_metrics"] = c => Pope.Lmms(Strings(c, "texts"), Strings(c, "labels")) is var m
            ? new { accuracy = m.Accuracy, precision = m.Precision, recall = m.Recall, f1_score = m.F1, yes_ratio = m.YesRatio } : null,
        ["pope_vlmevalkit_metrics"] = c => Pope.VlmEvalKit(Strings(c, "texts"), Strings(c, "labels"), Strings(c, "categories"))
            .ToDictionary(m => m.Key,
                m => new { f1 = m.Value.F1, accuracy = m.Value.Accuracy, precision = m.Value.Precision, recall = m.Value.Recall }),
        ["mme_parse_official"] = c => Mme.Parse(S(c, "text")),
        ["mme_parse_lmms"] = c => Mme.ParseLmms(S(c, "text")),
        ["mme_postprocess_internvl"] = c => Mme.CleanInternVL(S(c, "text")),
        ["mme_score_official"] = MmeOfficial,
        ["mme_score_lmms"] = c => Mme.Lmms(MmeItems(c)) is var s
        ? new { perception = Mme.Sum(s, true), cognition = Mme.Sum(s, false) } : null,
        ["mme_score_vlmevalkit"] = c => Mme.VlmEvalKit(MmeItems(c)) is var s
        ? new { perception = Mme.Sum(s, true), reasoning = Mme.Sum(s, false), categories = s } : null,
        ["sqa_llava"] = c => ScienceQa.ParseLlava(P(c)) is var p && ScienceQa.Index(p, Strings(c, "choices").Length) is var i
        ? new { parsed = p, index = i, correct = i == Int(c, "answer") } : null,
        ["sqa_lmms"] = c => One(ScienceQa.Lmms(P(c), Int(c, "answer"))),
        ["sqa_internvl"] = c => ScienceQa.ParseInternVL(P(c), Strings(c, "choices")) is var p
        ? new { parsed = p, correct = p == Letter(c) } : null,
        ["sqa_llava_dataset"] = ScienceQaDataset,
        ["mmb_infer_lmms"] = c => Strict(MmBench.InferLmms(P(c), Choices(c))),
        ["mmb_infer_vlmevalkit"] = c => Strict(MmBench.InferVlmEvalKit(P(c), Choices(c))),
        ["mmb_infer_vlmevalkit_2025_07"] = c => Strict(MmBench.InferVlmEvalKit202507(P(c), Choices(c))),
        ["mmb_postprocess_internvl"] = c => MmBench.PostprocessInternVL(P(c), Choices(c)),
        ["mmb_circular_lmms_static"] = c => Rows(c) is var rows && MmBench.CircularLmms(rows) is var hits
        && MmBench.Means(rows, hits) is var m
            ? new { overall = m.Overall, category = m.Category, l2_category = m.L2Category } : null,
        ["mmb_circular_vlmevalkit_exact"] = c => Rows(c) is var rows && MmBench.CircularVlmEvalKit(rows) is var hits
        && MmBench.Means(rows, hits) is var m
            ? new { overall = m.Overall,
                groups = m.Category.Concat(m.L2Category.Select(g => KeyValuePair.Create(MmBench.Ability(g.Key), g.Value)))
                .ToDictionary(), hits } : null,
        ["mmstar_lmms"] = c => MmStar.Letter(P(c)) is var l ? new { letter = l ?? "", score = One(l == S(c, "answer")) } : null,
        ["mmstar_lmms_before_2026_04"] = c => One(MmStar.Before202604(P(c), S(c, "answer"))),
        ["mmstar_vlmevalkit_exact"] = c => MmStar.VlmEvalKit(P(c), Strings(c, "options")) is var o
        ? new { option = o, hit = o == Letter(c) ? 1 : 0 } : null,
        ["mmstar_lmms_aggregate"] = c => MmStar.MacroMean(Items(c).Select(i => (S(i, "l2_category"), i.GetProperty("score").GetDouble()))),
        ["ai2d_lmms"] = c => new { filtered = Ai2d.FilterLmms(P(c)), score = One(Ai2d.Lmms(P(c), Int(c, "answer"))) },
        ["ai2d_vlmevalkit_exact"] = c => MmStar.VlmEvalKit(P(c), Strings(c, "options")) is var o
        ? new { option = o, hit = o == Letter(c) ? 1 : 0 } : null,
        ["ai2d_internvl"] = c => One(Ai2d.InternVL(P(c), S(c, "answer"))),
        ["relaxed_correct"] = c => ChartQa.Relaxed(P(c), S(c, "target")),
        ["relaxed_swapped"] = c => ChartQa.Swapped(P(c), Strings(c, "annotations")),
        ["chartqa_dataset"] = ChartQaDataset,
        ["anls"] = c => Anls.Score(P(c), Answers(c)),
        ["anls_dataset"] = c => Items(c).Select(i => Anls.Score(P(i), Answers(i))).ToArray() is var s
        ? new { score = s.Average(), per_item = s } : null,
        ["cider"] = CiderCase,
        ["ptb_tokenize"] = c => Both(
            PtbTokenizer.Tokenize(S(c, "text"), "x"), "expected_raw", string.Join(' ', PtbTokenizer.Tokens(S(c, "text"), "x"))),
        ["box_internvl"] = c => InternVLBox.Read(S(c, "answer"), D(c, "width"), D(c, "height")) is var b
        && InternVLBox.Iou(b, [.. Doubles(c, "gt_xyxy").Select(v => (float)v)]) is var iou
            ? new { box = b, iou, hit = InternVLBox.IsHit(S(c, "answer"), Doubles(c, "gt_xyxy"), D(c, "width"), D(c, "height")) } : null,
        ["box_llava_lmms"] = c => LlavaBox.Read(S(c, "answer")) is var b && Doubles(c, "gt_normalized_xyxy") is var truth
            ? new { box = b, iou = Boxes.SignedIou(b, truth), hit = Boxes.SignedIou(b, truth) >= Boxes.Hit,
                center = LlavaBox.CentreInside(b, truth) } : null,
        ["box_qwen_lmms"] = c => QwenBox.Read(S(c, "answer")) is var b && Doubles(c, "gt_xyxy") is var truth
        && Boxes.ClampedIou(QwenBox.First(b), truth) is var first
            && QwenBox.BestOfBothScales(b, truth, D(c, "width"), D(c, "height")) is var best
            ? new { boxes = b, first_box_pixels_iou = first, first_box_pixels_hit = first >= Boxes.Hit, best_of_both_scales_iou = best,
                best_of_both_scales_hit = best >= Boxes.Hit } : null,
        ["box_vlmevalkit"] = VlmEvalKitBoxCase,
        ["acc_internvl_dataset"] = c =>
        Items(c).Average(i => One(InternVLBox.IsHit(S(i, "answer"), Doubles(i, "gt_xyxy"), D(i, "width"), D(i, "height")))),
    };

    /// <exception cref="InvalidOperationException">No metric has that name.</exception>
    public static object? Compute(JsonElement c)
    {
        var name = S(c, "fn");
        if (!Known.TryGetValue(name, out var compute)) throw new InvalidOperationException($"No metric answers to '{name}'.");
        return compute(c) switch { Named n => n.Values, var value => new Dictionary<string, object?> { ["expected"] = value } };
    }

    /// <summary>Tolerances of the fixtures' README; relative above 1.</summary>
    public static Func<string, double> Tolerance(JsonElement c) => S(c, "fn") == "box_internvl" ? _ => 1e-6 : _ => 1e-9;

    private sealed record Named(Dictionary<string, object?> Values);

    private static Named Both(object? expected, string name, object? value) =>
        new(new Dictionary<string, object?> { ["expected"] = expected, [name] = value });

    private static object Strict(string? letter) => letter ?? "";

    private static object VqaDataset(JsonElement c)
    {
        var items = Items(c).Select(i => (Item: i, Score: VqaAccuracy.Official(P(i), Answers(i)))).ToArray();
        Dictionary<string, double> By(string key) =>
            items.GroupBy(i => S(i.Item, key)).ToDictionary(g => g.Key, g => PythonText.Round2(100 * g.Average(i => i.Score)));
        var mean = items.Average(i => i.Score);
        return new { overall = PythonText.Round2(100 * mean), per_question_type = By("question_type"), per_answer_type = By("answer_type"),
            overall_unrounded = mean };
    }

    private static object PopeMetrics(string[] texts, string[] labels)
    {
        var f = Pope.Official(texts, labels);
        return new
        {
            answers = texts.Select(t => Pope.IsYes(t) ? "yes" : "no"), tp = f.TruePositives, fp = f.FalsePositives, tn = f.TrueNegatives,
                fn = f.FalseNegatives,
            yes_ratio = f.YesRatio, accuracy = f.Accuracy, precision = f.Precision, recall = f.Recall, f1 = f.F1,
        };
    }

    private static object PopeOverall(JsonElement c)
    {
        var categories = c.GetProperty("categories").EnumerateObject()
            .ToDictionary(p => p.Name, p => Pope.Official(Strings(p.Value, "texts"), Strings(p.Value, "labels")));
        return new { f1_per_category = categories.ToDictionary(p => p.Key, p => p.Value.F1),
            mean_f1_percent = Pope.MeanF1(categories.Values) };
    }

    private static object MmeOfficial(JsonElement c)
    {
        var categories = Mme.Official(MmeItems(c));
        var scores = categories.Select(p => KeyValuePair.Create(p.Key, p.Value.Score)).ToArray();
        return new
        {
            categories = categories.ToDictionary(
                p => p.Key, p => new { accuracy = p.Value.Accuracy, accuracy_plus = p.Value.AccuracyPlus, other = p.Value.Other,
                    score = p.Value.Score }),
            perception = Mme.Sum(scores, true), cognition = Mme.Sum(scores, false), total = scores.Sum(s => s.Value),
        };
    }

    private static object ScienceQaDataset(JsonElement c)
    {
        var items = Items(c).Select(i =>
        {
            var prediction = i.GetProperty("prediction").GetString();
            var right = prediction is not null
                && ScienceQa.Index(ScienceQa.ParseLlava(prediction), Strings(i, "choices").Length) == Int(i, "answer");
            return (Right: right, HasImage: prediction is not null && i.GetProperty("has_image").GetBoolean());
        }).ToArray();
        var images = items.Where(i => i.HasImage).ToArray();
        return new
        {
            accuracy = 100 * items.Average(i => One(i.Right)), image_accuracy = images.Length == 0 ? double.NaN
                : 100 * images.Average(i => One(i.Right)), total = items.Length,
            correct = items.Count(i => i.Right),
        };
    }

    private static object ChartQaDataset(JsonElement c)
    {
        var items = Items(c).Select(
            i => (Split: S(i, "split"), Right: One(ChartQa.Relaxed(P(i), S(i, "target"))),
                Swapped: One(ChartQa.Swapped(P(i), [S(i, "target")])))).ToArray();
        double Mean(string split, bool swapped) =>
            items.Where(i => i.Split == split).Select(i => swapped ? i.Swapped : i.Right).DefaultIfEmpty(double.NaN).Average();
        return new
        {
            overall = items.Average(i => i.Right), human = Mean("human", false), augmented = Mean("augmented", false),
                swapped_human = Mean("human", true),
            swapped_augmented = Mean("augmented", true), swapped_mean_of_splits = (Mean("human", true) + Mean("augmented", true)) / 2,
        };
    }

    private static object CiderCase(JsonElement c)
    {
        var set = new CiderSet([.. Items(c).Select(i => (IReadOnlyList<string>)Strings(i, "references"))]);
        double[] scores = [.. Items(c).Select((i, k) => set.Score(k, S(i, "candidate")))];
        return new { score = scores.Average(), scores };
    }

    private static object VlmEvalKitBoxCase(JsonElement c)
    {
        var parsed = VlmEvalKitBox.Parse(S(c, "answer"));
        var box = parsed is null ? null : VlmEvalKitBox.ToPixels(parsed, D(c, "width"), D(c, "height"));
        var iou = box is null ? 0 : Boxes.ClampedIou(box, Doubles(c, "gt_xyxy"));
        return new { parsed, box, iou, hit = iou >= Boxes.Hit };
    }

    private static MmBenchRow[] Rows(JsonElement c) =>
    [
        .. c.GetProperty("rows").EnumerateArray()
            .Select(r => new MmBenchRow(r.GetProperty("index").GetInt64(), S(r, "answer"), P(r), S(r, "category"), S(r, "l2-category"),
            [.. "ABCDE".Select(l => $"{l}").Where(l => r.TryGetProperty(l, out var o) && o.ValueKind == JsonValueKind.String)
                .Select(l => KeyValuePair.Create(l, S(r, l)))])),
    ];

    private static List<KeyValuePair<string, string>> Choices(JsonElement c) =>
        [.. c.GetProperty("choices").EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.GetString()!))];

    private static IEnumerable<MmeItem> MmeItems(JsonElement c) =>
        Items(c).Select(i => new MmeItem(S(i, "category"), S(i, "image"), S(i, "answer"), P(i)));

    private static string Letter(JsonElement c) => $"{(char)('A' + Int(c, "answer"))}";

    private static double One(bool right) => right ? 1 : 0;

    private static IEnumerable<JsonElement> Items(JsonElement c) => c.GetProperty("items").EnumerateArray();

    private static string[] Answers(JsonElement c) => Strings(c, "answers");

    private static string P(JsonElement c) => S(c, "prediction");

    private static string S(JsonElement c, string name) => c.GetProperty(name).GetString()!;

    private static double D(JsonElement c, string name) => c.GetProperty(name).GetDouble();

    private static int Int(JsonElement c, string name) => c.GetProperty(name).GetInt32();

    private static string[] Strings(JsonElement c, string name) => [.. c.GetProperty(name).EnumerateArray().Select(v => v.GetString()!)];

    private static double[] Doubles(JsonElement c, string name) => [.. c.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];
}
