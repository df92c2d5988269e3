using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Cli;

/// <summary>The flags that say how to prune, the same for every command; those of methods' parameters are made
/// from the methods' descriptions.</summary>
internal sealed class PruningFlags
{
    private readonly Option<PruningPreset> _preset =
        new("--preset") { Description = "Auto, Understanding, Localization or None.", DefaultValueFactory = _ => PruningPreset.Auto };
    private readonly Option<string?> _keep =
        new("--keep") { Description = "Visual tokens to keep: a ratio such as 0.25, or a number such as 128." };
    private readonly Option<int?> _layer = new("--layer") { Description = "K: decoder layers 0..K-1 see every token." };
    private readonly Option<string?> _method =
        new("--method") { Description = "Pruning method (d2pruner methods explains them): " +
            $"{string.Join(", ", PrunerRegistry.BuiltIn.Names)}." };
    private readonly List<(PrunerParameter Parameter, Option<string?> Flag)> _parameters =
        [.. PrunerRegistry.BuiltIn.Parameters.Select(p => (p, Flag(p)))];

    /// <summary>The flag of a parameter, without its dashes.</summary>
    public static string NameOf(PrunerParameter parameter) => parameter.Name.Replace('_', '-');

    /// <summary>The preset that was named, or Auto.</summary>
    public PruningPreset Preset(ParseResult parse) => parse.GetValue(_preset);

    /// <summary>Adds the flags to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _preset, _keep, _layer, _method }) command.Options.Add(option);
        foreach (var (_, flag) in _parameters) command.Options.Add(flag);
    }

    /// <summary>What the flags override.</summary>
    /// <exception cref="ArgumentException">A value cannot be read or is out of range.</exception>
    public VisualPruningOptions Overrides(ParseResult parse)
    {
        var (ratio, tokens) = ParseKeep(parse.GetValue(_keep));
        var options = new VisualPruningOptions { KeepRatio = ratio, KeepTokens = tokens, LayersBeforePruning = parse.GetValue(_layer),
            Method = parse.GetValue(_method) };
        foreach (var (parameter, flag) in _parameters)
        {
            if (parse.GetValue(flag) is { } text) options.With(parameter.Name, text);
        }

        return options;
    }

    /// <summary>A whole number without a point is a token count, anything else a ratio.</summary>
    internal static (double? Ratio, int? Tokens) ParseKeep(string? text)
    {
        if (text is null) return (null, null);
        var culture = CultureInfo.InvariantCulture;
        if (!text.Contains('.') && int.TryParse(text, NumberStyles.None, culture, out var tokens) && tokens > 0) return (null, tokens);
        if (double.TryParse(text, NumberStyles.Float, culture, out var ratio) && ratio is > 0 and <= 1) return (ratio, null);
        throw new ArgumentException(
            $"--keep is '{text}'; expected a ratio such as 0.25 (greater than 0, at most 1) or a number of tokens such as 128.");
    }

    private static Option<string?> Flag(PrunerParameter parameter)
    {
        var methods = PrunerRegistry.BuiltIn.All.Where(d => d.Find(parameter.Name) is not null).Select(d => d.Name).ToList();
        var of = methods.Count == PrunerRegistry.BuiltIn.All.Count ? "all methods" : string.Join(", ", methods);
        return new Option<string?>(
            "--" + NameOf(parameter)) { Description = $"{parameter.Help} {parameter.Range}; default " +
            $"{Convert.ToString(parameter.Default, CultureInfo.InvariantCulture)}. Of {of}." };
    }
}
