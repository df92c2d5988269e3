namespace D2Pruner.AI.Runtime.Prompts;

/// <summary>A stretch of a prompt: ids of text, or a run of an image's placeholders.</summary>
internal abstract record PromptSegment;

/// <summary>Ids of text.</summary>
/// <param name="Ids">The ids.</param>
internal sealed record TextSegment(IReadOnlyList<int> Ids) : PromptSegment;

/// <summary>A run of placeholders; an image may have several, with text between them.</summary>
/// <param name="Image">Index of the image.</param>
/// <param name="First">The image's first feature in this run.</param>
/// <param name="Count">Features in this run.</param>
internal sealed record ImageSegment(int Image, int First, int Count) : PromptSegment;
