namespace D2Pruner.AI.Runtime.Models;

/// <summary>What a model is to do at the same time, for an estimate of its memory.</summary>
internal sealed record MemoryWorkload
{
    /// <summary>Images in the prompt.</summary>
    public int Images { get; init; } = 1;

    /// <summary>Width of each in pixels.</summary>
    public int Width { get; init; } = 640;

    /// <summary>Height of each in pixels.</summary>
    public int Height { get; init; } = 480;

    /// <summary>Text tokens of the prompt.</summary>
    public int TextTokens { get; init; } = 64;

    /// <summary>Longest answer in tokens.</summary>
    public int AnswerTokens { get; init; } = 512;

    /// <summary>Whether keys and values are kept in fp32 on CPU whatever the weights are.</summary>
    public bool Float32Kv { get; init; }
}
