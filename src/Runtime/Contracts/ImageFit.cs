namespace D2Pruner.AI.Runtime;

/// <summary>How LLaVA-1.5 fits an image into its square.</summary>
public enum ImageFit
{
    /// <summary>As the checkpoint's processor says.</summary>
    FromProcessor,

    /// <summary>Resize the short side and crop the centre.</summary>
    Crop,

    /// <summary>Pad to a square with the mean colour, then resize (the original LLaVA).</summary>
    Pad,
}
