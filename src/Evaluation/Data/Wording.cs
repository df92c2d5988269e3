using D2Pruner.AI.Evaluation.Metrics;

namespace D2Pruner.AI.Evaluation.Data;

/// <summary>The user's text of a question in each family's wording.</summary>
internal static class Wording
{
    private const string MmeEnd = " Please answer yes or no.";
    private const string Box = "Please provide the bounding box coordinate of the region this sentence describes: ";
    private const string LlavaAxes = " (Coordinate system: x-axis is horizontal, y-axis is vertical, with the top-left corner as the " +
        "origin [0.0, 0.0] and the bottom-right corner as [1.0, 1.0])";

    /// <summary>A question with a short answer.</summary>
    public static string Short(PromptStyle style, string question) => question + Gap(style) + Suffixes.Short;

    /// <summary>A question that may have no answer.</summary>
    public static string Answerable(PromptStyle style, string question) => style == PromptStyle.Qwen ? Short(style, question)
        : question + Gap(style) + Suffixes.Unanswerable + Gap(style) + Suffixes.Short;

    /// <summary>Multiple choice.</summary>
    public static string Choice(PromptStyle style, string? hint, string question, IEnumerable<string> options, bool chinese = false)
    {
        // At a missing option LLaVA's code stops; the others pass over it.
        if (style == PromptStyle.Llava) options = options.TakeWhile(o => o.Length > 0);
        var lines = string.Concat(OptionLetters.Of(options).Select(o => $"{o.Key}. {o.Value}\n"));
        if (style == PromptStyle.Qwen)
            return (string.IsNullOrEmpty(hint) ? "" : $"Hint: {hint}\n")
                + $"Question: {question}\nOptions:\n{lines}Please select the correct answer from the options above. \n";
        return (string.IsNullOrEmpty(hint) ? "" : $"{hint}\n") + $"{question}\n{lines}{(chinese ? "请直接回答选项字母。" : Suffixes.Letter)}";
    }

    /// <summary>MME: the question ends with a request for yes or no, which LLaVA's script replaces.</summary>
    public static string Mme(PromptStyle style, string question) => style switch
    {
        PromptStyle.Llava => (question.EndsWith(MmeEnd, StringComparison.Ordinal) ? question[..^MmeEnd.Length]
            : question.Replace("Please answer yes or no.", "").TrimEnd()) + "\n" + Suffixes.Short,
        PromptStyle.InternVL => question + " " + Suffixes.Short,
        _ => question,
    };

    /// <summary>A phrase to be located.</summary>
    public static string Locate(PromptStyle style, string phrase) => style switch
    {
        PromptStyle.Qwen => $"Locate {phrase} in this image and output the bbox coordinates in JSON format.",
        PromptStyle.InternVL => $"{Box}<ref>{phrase}</ref>",
        _ => $"{Box}<ref>{phrase}</ref>{LlavaAxes}",
    };

    private static string Gap(PromptStyle style) => style == PromptStyle.InternVL ? " " : "\n";
}
