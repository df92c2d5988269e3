namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>CDPruner: its row says what is missing.</summary>
internal static class CdPrunerRival
{
    /// <summary>The method.</summary>
    public static Rival Description { get; } = new()
    {
        Name = "cdpruner",
        Summary = "A determinantal point process, conditional on the question in CLIP's space.",
        WhyNot = (_, _) => "it compares patches with the question in CLIP's space, and no checkpoint of a vision-language model holds " +
            "CLIP's text tower; the published function is tested on given embeddings, 'd2pruner-dpp' is akin",
    };
}
