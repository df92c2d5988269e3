using System.Globalization;
using D2Pruner.AI.Evaluation.Data;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>A column of a table in the paper's layout: a benchmark by the figure that papers print for it, which is the whole set's where
/// it has one (MME's total, POPE's F1, MMBench's circular accuracy) and else a task's accuracy.</summary>
/// <param name="Name">The data set with such a figure, or the task.</param>
/// <param name="Figure">The figure; null for an accuracy.</param>
internal sealed record PaperColumn(string Name, string? Figure)
{
    /// <summary>What stands above it.</summary>
    public string Title => Figure is null ? Name : $"{Name}: {Figure}";

    /// <summary>The columns of a data set.</summary>
    public static IEnumerable<PaperColumn> Of(EvaluationData data) => data.PaperFigure is { } figure
        ? [new PaperColumn(data.Name, figure)]
        : data.Samples.Select(s => s.Task).Distinct(StringComparer.Ordinal).Select(t => new PaperColumn(t, null));

    /// <summary>A condition's figure as it is printed, and over the unpruned one; nulls where it was not run.</summary>
    /// <param name="report">The report.</param>
    /// <param name="method">The method.</param>
    /// <param name="layer">K.</param>
    /// <param name="keep">The budget; null without pruning.</param>
    public (string? Text, double? Ratio) Value(EvaluationReport report, string method, int layer, int? keep)
    {
        if (Figure is null)
        {
            var cell = report.Cells.FirstOrDefault(
                c => (c.Method, c.Layer, c.Task) == (method, layer, Name) && (keep is null || c.Keep == keep));
            return (Print(100 * cell?.Accuracy), cell?.Retention);
        }

        var found = report.Headlines.FirstOrDefault(
            h => (h.Method, h.Layer, h.Data, h.Name) == (method, layer, Name, Figure) && (keep is null || h.Keep == keep));
        return (Print(found?.Value), found?.Retention);
    }

    private static string? Print(double? value) => value?.ToString("0.0", CultureInfo.InvariantCulture);
}
