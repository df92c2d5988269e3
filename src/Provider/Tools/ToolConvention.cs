namespace D2Pruner.AI;

/// <summary>What happens to tools where the model's family has no tool format of its own (all but Qwen2.5-VL).</summary>
public enum ToolConvention
{
    /// <summary>They are ignored with a warning; a required call is refused with <see cref="NotSupportedException"/>.</summary>
    ModelOnly,

    /// <summary>
    /// They are described in the system text, and calls are JSON between <c>&lt;tool_call&gt;</c> and <c>&lt;/tool_call&gt;</c>, enforced
    /// as for models that know tools. Such a model was not trained for it: it calls when it must, less surely when it may.
    /// </summary>
    Json,
}
