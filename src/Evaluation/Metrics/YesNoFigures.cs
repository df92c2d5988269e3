namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>Counts of a yes/no set, "yes" being the positive class; a division by zero gives NaN.</summary>
internal readonly record struct YesNoFigures(int TruePositives, int FalsePositives, int TrueNegatives, int FalseNegatives)
{
    public int Count => TruePositives + FalsePositives + TrueNegatives + FalseNegatives;

    public double Accuracy => (double)(TruePositives + TrueNegatives) / Count;

    public double Precision => TruePositives / (double)(TruePositives + FalsePositives);

    public double Recall => TruePositives / (double)(TruePositives + FalseNegatives);

    public double F1 => 2 * Precision * Recall / (Precision + Recall);

    /// <summary>Share of answers "yes".</summary>
    public double YesRatio => (double)(TruePositives + FalsePositives) / Count;

    public static YesNoFigures Of(IEnumerable<(bool Answer, bool Truth)> pairs)
    {
        var (tp, fp, tn, fn) = (0, 0, 0, 0);
        foreach (var (answer, truth) in pairs)
        {
            if (answer) _ = truth ? tp++ : fp++;
            else _ = truth ? fn++ : tn++;
        }

        return new YesNoFigures(tp, fp, tn, fn);
    }

    /// <summary>0 where a figure has no value.</summary>
    public static double OrZero(double value) => double.IsNaN(value) ? 0 : value;
}
