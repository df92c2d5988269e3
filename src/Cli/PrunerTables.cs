using System.Globalization;
using System.Text;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Cli;

/// <summary>Pruning methods and their parameters as Markdown, from their descriptions.</summary>
internal static class PrunerTables
{
    public static string Markdown(PrunerRegistry pruners)
    {
        var text = new StringBuilder();
        foreach (var kind in pruners.All.GroupBy(d => d.Kind))
        {
            text.Append(CultureInfo.InvariantCulture,
                $"\n## {Title(kind.Key)}\n\n| method | keeps | where | reads | prior |\n|---|---|---|---|---|\n");
            foreach (var d in kind)
            {
                var source = d.Source is null ? "" : $" ({d.Source})";
                text.Append(CultureInfo.InvariantCulture,
                    $"| `{d.Name}` | {d.Summary}{source} | {Where(d)} | {Signals(d.Signals)} | {(d.UsesPrior ? "yes" : "no")} |\n");
            }
        }

        text.Append("\n## Parameters\n\n| parameter | range | default | of | what it does |\n|---|---|---|---|---|\n");
        foreach (var p in pruners.Parameters)
        {
            var of = pruners.All.Where(d => d.Find(p.Name) is not null).Select(d => $"`{d.Name}`").ToList();
            var defaults = pruners.All.Select(d => (d.Name, Value: Convert.ToString(d.Find(p.Name)?.Default, CultureInfo.InvariantCulture)))
                .Where(d => d.Value != "").ToList();
            var value = defaults.Select(d => d.Value).Distinct().Count() == 1 ? defaults[0].Value
                : string.Join(", ", defaults.Select(d => $"{d.Value} (`{d.Name}`)"));
            text.Append(CultureInfo.InvariantCulture,
                $"| `{p.Name}` | {p.Range.Replace("|", "\\|", StringComparison.Ordinal)} | {value} | " +
                $"{(of.Count == pruners.All.Count ? "all" : string.Join(", ", of))} | {p.Help} |\n");
        }

        return text.ToString();
    }

    private static string Title(PrunerKind kind) => kind switch
    {
        PrunerKind.Method => "Methods",
        PrunerKind.Rival => "Rivals",
        PrunerKind.Control => "Controls",
        _ => "Experiments",
    };

    private static string Where(PrunerDescription d) => d.Depth switch
    {
        PrunerDepth.AtInput => "decoder input; before layer K where K is explicit",
        PrunerDepth.OwnStages => $"before layers {string.Join(", ", d.Schedule.Select(s => s.Point.Layer + 1))} of 32, in proportion in " +
        "other decoders",
        _ => d.LeastLayers > 0 ? "before layer K >= 1" : "before layer K",
    };

    private static string Signals(PruningSignals signals) => signals == PruningSignals.None
        ? "nothing"
        : string.Join(", ", Enum.GetValues<PruningSignals>().Where(s => s != PruningSignals.None && signals.HasFlag(s)).Select(s => s switch
        {
            PruningSignals.LastRowAttention => "attention row",
            PruningSignals.Keys => "keys",
            PruningSignals.HiddenStates => "hidden states",
            PruningSignals.TextRows => "text rows",
            PruningSignals.FinalNormedFeatures => "final-normed states",
            PruningSignals.VisionClsAttention => "CLS attention of the tower",
            _ => s.ToString(),
        }));
}
