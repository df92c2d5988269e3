using System.Text.RegularExpressions;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI;

/// <summary>Picks a preset from what a request asks; a pure function, so that its table is its test.</summary>
internal static partial class PresetSelector
{
    /// <summary>Share kept when text in the image has to be read: small glyphs are what pruning loses first.</summary>
    internal const double ReadingKeepRatio = 2.0 / 3;

    /// <summary>Chooses.</summary>
    /// <param name="question">Text of the last user turn.</param>
    /// <param name="instructions">System text; only explicit words about boxes count there.</param>
    /// <param name="schema">JSON schema asked for, or null.</param>
    /// <param name="images">Images in the request.</param>
    public static PresetChoice Choose(string? question, string? instructions, string? schema, int images)
    {
        if (images == 0) return new PresetChoice(PruningPreset.None, "The request holds no image.");
        if (schema is not null && SchemaBoxes().Match(schema) is { Success: true } property)
            return new PresetChoice(PruningPreset.Localization, $"The JSON schema asks for boxes ({property.Value.Trim('"')}).");

        // Bounded: an answer's first token should not wait for a search through a book.
        var text = Lower(question, 4000);
        if (PresetVocabulary.Boxes().Match(text) is { Success: true } box)
            return new PresetChoice(PruningPreset.Localization, $"The question asks for boxes or coordinates ('{Quote(box)}').");
        if (PresetVocabulary.Boxes().Match(Lower(instructions, 4000)) is { Success: true } rule)
            return new PresetChoice(PruningPreset.Localization, $"The instructions ask for boxes or coordinates ('{Quote(rule)}').");
        var reading = PresetVocabulary.Reading().Match(text);
        if (!PresetVocabulary.WorldPlaces().IsMatch(text) && PresetVocabulary.Places().Match(text) is { Success: true } place)
            return new PresetChoice(PruningPreset.Localization, $"The question asks for a place in the image ('{Quote(place)}').");
        if (reading.Success)
            return new PresetChoice(PruningPreset.Understanding,
                $"The question is about text in the image ('{Quote(reading)}'): more tokens are kept.", ReadingKeepRatio);
        return new PresetChoice(PruningPreset.Understanding, "The question asks for neither boxes, places nor text.");
    }

    private static string Lower(string? text, int limit) =>
        text is null ? "" : (text.Length <= limit ? text : text[..(limit / 2)] + "\n" + text[^(limit / 2)..]).ToLowerInvariant()
            .Replace('’', '\'');

    private static string Quote(Match match) => match.Value.Trim();

    [GeneratedRegex("""
        "(bbox(_2d)?|box(es)?|box_2d|bounding_?boxe?s?|coordinates?|x_?min|xmin|x1|top_?left)"
        """, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex SchemaBoxes();
}
