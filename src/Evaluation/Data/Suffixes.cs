namespace D2Pruner.AI.Evaluation.Data;

/// <summary>The instructions that benchmarks put behind a question.</summary>
internal static class Suffixes
{
    /// <summary>Short answers.</summary>
    public const string Short = "Answer the question using a single word or phrase.";

    /// <summary>Multiple choice.</summary>
    public const string Letter = "Answer with the option's letter from the given choices directly.";

    /// <summary>Multiple choice in Chinese, as lmms-eval asks it.</summary>
    public const string LetterChinese = "请直接使用所提供的选项字母作为答案回答。";

    /// <summary>Unanswerable questions.</summary>
    public const string Unanswerable = "When the provided information is insufficient, respond with 'Unanswerable'.";

    /// <summary>Captions.</summary>
    public const string Caption = "Provide a one-sentence caption for the provided image.";
}
