namespace D2Pruner.AI.Evaluation.Data;

/// <summary>Whose wording of a benchmark is used: that of the code with which a family's own figures were made.</summary>
public enum PromptStyle
{
    /// <summary>LLaVA's evaluation scripts and lmms-eval: the instruction on a line of its own.</summary>
    Llava,

    /// <summary>VLMEvalKit's default prompts, as Qwen2.5-VL is evaluated.</summary>
    Qwen,

    /// <summary>InternVL's scripts: the instruction behind a blank.</summary>
    InternVL,
}
