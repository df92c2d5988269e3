namespace D2Pruner.AI.Evaluation.Data;

/// <summary>How long an answer may become in each family's harness.</summary>
internal static class AnswerLimits
{
    /// <summary>VLMEvalKit's limit for Qwen2.5-VL.</summary>
    public const int Qwen = 2048;

    /// <summary>Most tokens of an answer.</summary>
    /// <param name="style">Whose harness.</param>
    /// <param name="llava">LLaVA's, or lmms-eval's.</param>
    /// <param name="internVL">InternVL's.</param>
    public static int Most(PromptStyle style, int llava, int internVL) =>
        style switch { PromptStyle.Qwen => Qwen, PromptStyle.InternVL => internVL, _ => llava };

    /// <summary>Fewest tokens of an answer, where a data set has no number of its own: InternVL's scripts want one.</summary>
    public static int Fewest(PromptStyle style) => style == PromptStyle.InternVL ? 1 : 0;
}
