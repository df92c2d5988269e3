namespace D2Pruner.AI.Runtime.Models.InternVL;

/// <summary>What InternVL writes around an image's tokens before the text is tokenised (both formats).</summary>
internal static class InternVLTags
{
    /// <summary>In place of a placeholder: opening tag, one token that is repeated afterwards (which gives the ids of the
    /// full expansion), closing tag.</summary>
    public const string Image = "<img><IMG_CONTEXT></img>";

    /// <summary>The family's markup for things and places, which questions and answers use (<c>&lt;ref&gt;the dog&lt;/ref&gt;</c>): tokens
    /// in messages too. They end no turn and stand for no image.</summary>
    public static IReadOnlyCollection<string> Markup { get; } = ["<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>"];
}
