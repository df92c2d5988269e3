namespace D2Pruner.AI.Samples;

/// <summary>The model that the samples use when none is given. (The same file in several samples, so that each can be copied
/// out alone.)</summary>
internal static class DemoModel
{
    /// <summary>What a person should know before reading its answers.</summary>
    public const string Note = "Model: the shipped demo model, 8.8 M parameters, trained on drawn shapes only. Give another by its folder.";

    /// <summary>Searches upwards from the program for the repository's demo model.</summary>
    /// <exception cref="DirectoryNotFoundException">The program was moved out of the repository.</exception>
    public static string Find()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var folder = Path.Combine(at.FullName, "samples", "DemoModel", "demo-llava");
            if (File.Exists(Path.Combine(folder, "config.json"))) return folder;
        }

        throw new DirectoryNotFoundException(
            "The demo model was not found above the program: run the sample inside the repository, or name a model folder.");
    }
}
