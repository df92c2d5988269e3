using System.ComponentModel.DataAnnotations;

namespace Microsoft.SemanticKernel;

/// <summary>What the <see cref="VisionPlugin"/> asks its model, and its limits.</summary>
public sealed class VisionPluginOptions
{
    /// <summary>Question of <c>describe_image</c>.</summary>
    [Required]
    public string DescribePrompt { get; set; } = "Describe this image.";

    /// <summary>
    /// Question of <c>locate_objects</c> for one thing, which stands where <c>{0}</c> is. The default is the wording LLaVA-1.5 was trained with. InternVL2.5
    /// wants <c>&lt;ref&gt;{0}&lt;/ref&gt;</c>, Qwen2.5-VL "Locate {0} in this image and output the bbox coordinates in JSON format.".
    /// </summary>
    [Required]
    public string LocatePrompt { get; set; } = "Please provide the bounding box coordinate of the region this sentence describes: {0}";

    /// <summary>Question of <c>compare_images</c> when the caller has none.</summary>
    [Required]
    public string ComparePrompt { get; set; } = "What are the differences between these two images?";

    /// <summary>Most tokens of an answer, or null for the client's default.</summary>
    [Range(1, int.MaxValue)]
    public int? MaxOutputTokens { get; set; }

    /// <summary>Most things that one call of <c>locate_objects</c> looks for; each is a request of its own.</summary>
    [Range(1, 1000)]
    public int MaxObjects { get; set; } = 12;

    internal VisionPluginOptions Validated()
    {
        Validator.ValidateObject(this, new ValidationContext(this), validateAllProperties: true);
        if (!LocatePrompt.Contains("{0}", StringComparison.Ordinal)) throw new ValidationException($"LocatePrompt is '{LocatePrompt}'; expected a text that holds {{0}}, where the thing to find is put.");
        return (VisionPluginOptions)MemberwiseClone();
    }
}
