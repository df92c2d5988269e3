using System.ComponentModel.DataAnnotations;

namespace D2Pruner.AI;

/// <summary>What <see cref="VisionTools"/> may look at, what they ask their model, and their limits.</summary>
public sealed class VisionToolOptions
{
    /// <summary>Folders whose images may be named by relative path (<see cref="VisionImages"/>); read by the registration only.</summary>
    public IList<string> AllowedFolders { get; set; } = [];

    /// <summary>Question of <c>describe_image</c>.</summary>
    [Required]
    public string DescribePrompt { get; set; } = "Describe this image.";

    /// <summary>
    /// Question of <c>locate_objects</c> for one thing, which stands where <c>{0}</c> is; null takes the wording that the model's family
    /// was trained with (LLaVA's, where the model is another's).
    /// </summary>
    public string? LocatePrompt { get; set; }

    /// <summary>Question of <c>read_text</c>.</summary>
    [Required]
    public string ReadPrompt { get; set; } = "Read the text in this image.";

    /// <summary>Question of <c>compare_images</c> when the caller has none.</summary>
    [Required]
    public string ComparePrompt { get; set; } = "What are the differences between these two images?";

    /// <summary>Most tokens of an answer, or null for the client's default.</summary>
    [Range(1, int.MaxValue)]
    public int? MaxOutputTokens { get; set; }

    /// <summary>Most things that one call of <c>locate_objects</c> looks for; each is a request of its own.</summary>
    [Range(1, 1000)]
    public int MaxObjects { get; set; } = 12;

    /// <summary>Longest text argument, in characters. Default: 4,000.</summary>
    [Range(1, 1_000_000)]
    public int MaxArgumentLength { get; set; } = 4000;

    /// <summary>Whether the caller is told messages of <c>unavailable</c> and <c>internal</c> failures, which may hold paths; they are
    /// logged either way.</summary>
    public bool IncludeDetailedErrors { get; set; }

    internal VisionToolOptions Validated()
    {
        Validator.ValidateObject(this, new ValidationContext(this), validateAllProperties: true);
        if (LocatePrompt?.Contains("{0}", StringComparison.Ordinal) == false)
            throw new ValidationException(
                $"LocatePrompt is '{LocatePrompt}'; expected a text that holds {{0}}, where the thing to find is put.");
        return (VisionToolOptions)MemberwiseClone();
    }
}
