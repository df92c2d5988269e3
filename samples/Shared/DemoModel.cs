namespace D2Pruner.AI.Samples;

/// <summary>The model that the samples use when none is given: the trained one if it is there, else the tiny one with random weights.</summary>
internal sealed record DemoModel(string Folder, bool IsRandom)
{
    /// <summary>Searches upwards from the program for the repository's models.</summary>
    /// <exception cref="DirectoryNotFoundException">The program was moved out of the repository.</exception>
    public static DemoModel Find()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var trained = Path.Combine(at.FullName, "samples", "DemoModel", "demo-llava");
            if (File.Exists(Path.Combine(trained, "config.json")) && Directory.EnumerateFiles(trained, "*.safetensors").Any()) return new DemoModel(trained, IsRandom: false);
            var random = Path.Combine(at.FullName, "samples", "Quickstart", "tiny-llava");
            if (File.Exists(Path.Combine(random, "config.json"))) return new DemoModel(random, IsRandom: true);
        }

        throw new DirectoryNotFoundException("No model: run the sample inside the repository, or name a model folder with --model FOLDER.");
    }

    /// <summary>What a person should know before reading its answers.</summary>
    public string Note => IsRandom
        ? "Model: the shipped tiny one with random weights. Its words mean nothing; counts and times are real. Give a real one with --model FOLDER."
        : "Model: the shipped demo model, trained on drawn shapes only. Give another with --model FOLDER.";
}
