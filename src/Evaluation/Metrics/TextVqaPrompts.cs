using D2Pruner.AI.Evaluation.Data;

namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>How TextVQA's questions are written and found again.</summary>
internal static class TextVqaPrompts
{
    private const string OcrLine = "Reference OCR token:";

    /// <summary>The lower-cased question inside a prompt of LLaVA's file, by which its annotation is found (with the image's id).</summary>
    /// <exception cref="FormatException">The prompt has none of the three known forms.</exception>
    public static string Question(string prompt)
    {
        if (prompt.StartsWith("OCR tokens: ", StringComparison.Ordinal))
        {
            const string before = "Question: ", after = " Short answer:";
            // The pattern's dots match newlines too.
            var start = prompt.IndexOf(before, StringComparison.Ordinal) + before.Length;
            var end = start < before.Length ? -1 : prompt.IndexOf(after, start, StringComparison.Ordinal);
            return end >= 0 ? PythonText.Lower(prompt[start..end])
                : throw new FormatException("The prompt has no 'Question: ... Short answer:'.");
        }

        var lines = prompt.Split('\n');
        if (lines.Length == 3 && prompt.Contains("Reference OCR token: ", StringComparison.Ordinal))
            return PythonText.Lower(lines[0].StartsWith(OcrLine, StringComparison.Ordinal) ? lines[1] : lines[0]);
        return lines.Length == 2 ? PythonText.Lower(lines[0])
            : throw new FormatException(
                $"The prompt has {lines.Length} lines; expected a question and an instruction, with an OCR line or without.");
    }

    /// <summary>lmms-eval's text: the question capitalised, with the OCR tokens or without, and the short-answer instruction.</summary>
    public static string Lmms(string question, IReadOnlyList<string>? ocrTokens) =>
        PythonText.Capitalize(question) + (ocrTokens is null ? "" : $"\n{OcrLine} {string.Join(", ", ocrTokens)}") + "\n" + Suffixes.Short;
}
