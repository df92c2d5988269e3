using System.Globalization;
using System.Text.Json.Serialization;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>An unpruned figure of a whole set beside the published one.</summary>
/// <param name="Data">The data set.</param>
/// <param name="Model">The published model, whose shape the evaluated one has.</param>
/// <param name="Figure">What the figure is.</param>
/// <param name="Value">The figure of this run.</param>
/// <param name="Published">The published one.</param>
/// <param name="Tolerance">How far off it may be before other figures of the set mean little.</param>
public sealed record PublishedComparison(
    [property: JsonPropertyName("data")] string Data,
    [property: JsonPropertyName("model")] string Model,
    [property: JsonPropertyName("figure")] string Figure,
    [property: JsonPropertyName("value")] double Value,
    [property: JsonPropertyName("published")] double Published,
    [property: JsonPropertyName("tolerance")] double Tolerance)
{
    /// <summary>This run's minus the published one.</summary>
    [JsonPropertyName("difference")]
    public double Difference => Math.Round(Value - Published, 6);

    /// <summary>Whether it is farther off than the tolerance.</summary>
    [JsonPropertyName("is_off")]
    public bool IsOff => Math.Abs(Difference) > Tolerance;

    /// <inheritdoc/>
    public override string ToString()
    {
        var line = string.Create(CultureInfo.InvariantCulture,
            $"{Data}, unpruned, {Figure}: {Value:0.00}; published for {Model}: {Published:0.##} ({Difference:+0.00;-0.00;0.00})");
        if (!IsOff) return line + ".";
        return line + string.Create(CultureInfo.InvariantCulture, $". WARNING: off by more than {Tolerance:0.##}.") +
            " Make the unpruned figure right first (the checkpoint, its template, the image's fit, the files): what is said of methods " +
            "rests on it.";
    }
}
