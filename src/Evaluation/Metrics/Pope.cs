namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>POPE: is it there, yes or no.</summary>
internal static class Pope
{
    /// <summary>The official parser (LLaVA's): the words "No", "not", "no" of the first sentence mean no, everything else yes.</summary>
    public static bool IsYes(string text)
    {
        var words = text.Split('.')[0].Replace(",", "").Split(' ');
        return !words.Any(w => w is "No" or "not" or "no");
    }

    /// <summary>Whether the first sentence says yes or no at all, in whatever case and with whatever punctuation.</summary>
    public static bool SaysYesOrNo(string text) =>
        PythonText.Split(PythonText.Without(PythonText.Lower(text.Split('.')[0]), PythonText.AsciiPunctuation))
        .Any(w => w is "yes" or "no" or "not");

    /// <summary>Official counts; every label but "no" is positive.</summary>
    public static YesNoFigures Official(IEnumerable<string> texts, IEnumerable<string> labels) =>
        YesNoFigures.Of(texts.Zip(labels, (t, l) => (IsYes(t), l != "no")));

    /// <summary>Mean of the categories' F1, percent: what papers print.</summary>
    public static double MeanF1(IEnumerable<YesNoFigures> categories) => 100 * categories.Average(c => c.F1);

    /// <summary>lmms-eval: only exact "yes" and "no" count.</summary>
    public static (double Accuracy, double Precision, double Recall, double F1, double YesRatio) Lmms(
        IReadOnlyList<string> texts, IReadOnlyList<string> labels)
    {
        var (right, tp, fp, fn) = (0, 0, 0, 0);
        for (var i = 0; i < texts.Count; i++)
        {
            var (answer, label) = (PythonText.Lower(PythonText.Strip(texts[i])), PythonText.Lower(PythonText.Strip(labels[i])));
            if (answer == label) right++;
            if (answer == "yes") _ = label == "yes" ? tp++ : label == "no" ? fp++ : 0;
            if (answer == "no" && label == "yes") fn++;
        }

        var figures = new YesNoFigures(tp, fp, 0, fn);
        return (YesNoFigures.OrZero((double)right / texts.Count), YesNoFigures.OrZero(figures.Precision),
            YesNoFigures.OrZero(figures.Recall), YesNoFigures.OrZero(figures.F1),
            YesNoFigures.OrZero((double)labels.Count(l => PythonText.Lower(PythonText.Strip(l)) == "yes") / labels.Count));
    }

    /// <summary>VLMEvalKit: "yes" without "no" as words, or the reverse; null if neither.</summary>
    public static bool? VlmEvalKitParse(string text)
    {
        var words = PythonText.Split(VqaText.VlmEvalKitPunctuation(PythonText.Lower(text)));
        var (yes, no) = (words.Contains("yes"), words.Contains("no"));
        return yes == no ? null : yes;
    }

    /// <summary>VLMEvalKit: percent, overall and per category; a row counts in each of its comma-separated categories.</summary>
    public static SortedDictionary<string, (double F1, double Accuracy, double Precision, double Recall)> VlmEvalKit(
        IReadOnlyList<string> texts, IReadOnlyList<string> labels, IReadOnlyList<string> categories)
    {
        var rows = Enumerable.Range(0, texts.Count)
            .SelectMany(i => categories[i].Split(',')
                .Select(c => (Category: c, Answer: VlmEvalKitParse(texts[i]), Truth: PythonText.Lower(labels[i]) == "yes"))).ToArray();
        var result = new SortedDictionary<string, (double, double, double, double)>(
            StringComparer.Ordinal) { ["Overall"] = Figures(rows.Select(r => (r.Answer, r.Truth))) };
        foreach (var group in rows.GroupBy(r => r.Category)) result[group.Key] = Figures(group.Select(r => (r.Answer, r.Truth)));
        return result;

        static (double, double, double, double) Figures(IEnumerable<(bool? Answer, bool Truth)> pairs)
        {
            var all = pairs.ToArray();
            var f = YesNoFigures.Of(all.Select(p => (p.Answer == true, p.Truth)));
            return (100 * YesNoFigures.OrZero(f.F1), 100.0 * all.Count(p => p.Answer == p.Truth) / all.Length,
                100 * YesNoFigures.OrZero(f.Precision), 100 * YesNoFigures.OrZero(f.Recall));
        }
    }
}
