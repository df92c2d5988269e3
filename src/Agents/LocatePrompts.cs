namespace D2Pruner.AI;

/// <summary>How each family was trained to be asked for a box; {0} is the thing.</summary>
internal static class LocatePrompts
{
    private const string Llava = "Please provide the bounding box coordinate of the region this sentence describes: {0}";

    /// <summary>The wording of a family (<c>VisionModelInfo.Family</c>); LLaVA's for others.</summary>
    public static string Of(string? family) => family switch
    {
        // The model card's grounding example, and the Qwen2.5-VL cookbook's.
        "internvl" or "internvl_chat" => "Please provide the bounding box coordinate of the region this sentence describes: <ref>{0}</ref>",
        "qwen2_5_vl" => "Locate {0} in this image and output the bbox coordinates in JSON format.",
        _ => Llava,
    };
}
