using System.Globalization;
using System.Text.Json;
using D2Pruner.AI.Evaluation.Reports;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Evaluation.Tuning;

/// <summary>Writes what a tuning found: a profile as configuration, and the mean attention maps.</summary>
public static class TuningFiles
{
    /// <summary>Section under which clients, and so profiles, stand in configuration.</summary>
    public const string Section = "D2Pruner:Clients";

    /// <summary>Writes a profile: a JSON configuration file whose section <c>D2Pruner:Clients:NAME</c>
    /// binds to the client's options.</summary>
    /// <param name="report">The findings.</param>
    /// <param name="name">The profile's name.</param>
    /// <param name="path">The file.</param>
    public static void WriteProfile(TuningReport report, string name, string path)
    {
        ArgumentNullException.ThrowIfNull(report);
        var pruning = new Dictionary<string, object> { ["Method"] = report.Method, ["Layer"] = report.LayersBeforePruning,
            ["Theta"] = report.Theta };
        if (report.UniformPrior) pruning["Prior"] = "uniform";
        var profile = new Dictionary<string, object> { ["Preset"] = "Understanding", ["Pruning"] = pruning };
        var json = new Dictionary<string, object> { [
            "D2Pruner"] = new Dictionary<string, object> { ["Clients"] = new Dictionary<string, object> { [name] = profile } } };
        AtomicFile.Write(path, JsonSerializer.Serialize(json, new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }

    /// <summary>Draws the mean attention map of every K side by side, the model's prior below each (the paper's Figure 1).</summary>
    /// <param name="report">The findings.</param>
    /// <param name="path">The PNG.</param>
    public static void DrawMaps(TuningReport report, string path)
    {
        ArgumentNullException.ThrowIfNull(report);
        AtomicFile.Write(path, Plots.Maps([.. report.Layers.Select(Column)]));
        static IReadOnlyList<MapPanel> Column(LayerFinding l)
        {
            var attention = new MapPanel(
                [FormattableString.Invariant($"K = {l.Layer}: mean attention"),
                    FormattableString.Invariant($"explains {100 * l.PriorStrength:0}% of variance"),
                    FormattableString.Invariant($"halves correlate {l.SplitHalf:0.000}")],
                l.MeanMap, l.Rows, l.Columns);
            return [attention, l.Prior is { } prior ? new MapPanel([$"K = {l.Layer}: prior"], prior, l.Rows, l.Columns)
                : new MapPanel([$"K = {l.Layer}: no prior calibrated"], [], 0, 0)];
        }
    }
}
