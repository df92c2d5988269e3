namespace D2Pruner.AI;

/// <summary>Keys of chat clients that packages here register for themselves.</summary>
internal static class ClientKeys
{
    /// <summary>The client behind the vision tools (<c>AddD2PrunerVisionTools(path)</c>), which is theirs alone.</summary>
    public const string VisionTools = "d2pruner.vision-tools";
}
