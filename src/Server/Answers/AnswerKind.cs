namespace D2Pruner.AI.Server;

/// <summary>The two endpoints that answer.</summary>
internal enum AnswerKind
{
    /// <summary><c>/v1/chat/completions</c>.</summary>
    Chat,

    /// <summary><c>/v1/completions</c>.</summary>
    Completion,
}
