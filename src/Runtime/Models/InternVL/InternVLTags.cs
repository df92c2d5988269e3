using D2Pruner.AI.Runtime.Text;
namespace D2Pruner.AI.Runtime.Models.InternVL;

/// <summary>What InternVL writes around a picture's tokens before the text is tokenised (both formats).</summary>
public static class InternVLTags
{
    /// <summary>Replaces each placeholder by <c>&lt;img&gt;</c>, one <c>&lt;IMG_CONTEXT&gt;</c> and <c>&lt;/img&gt;</c>; repeating that one id afterwards gives the ids of the full expansion.</summary>
    /// <param name="rendered">A rendered prompt.</param>
    /// <param name="template">The template that rendered it.</param>
    public static string Add(string rendered, IChatTemplate template)
    {
        ArgumentNullException.ThrowIfNull(rendered);
        ArgumentNullException.ThrowIfNull(template);
        return rendered.Replace(template.ImagePlaceholder, "<img><IMG_CONTEXT></img>", StringComparison.Ordinal);
    }
}
