namespace D2Pruner.AI.Samples;

/// <summary>The command line: <c>--demo</c>, and named values. (The same file in several samples, so that each can be copied out
/// alone.)</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string> values = [];

    /// <summary>Reads the command line.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="flags">Options without a value.</param>
    /// <param name="names">Options with a value; <c>--model</c> is always known.</param>
    /// <exception cref="ArgumentException">An unknown option, or one without its value.</exception>
    public Arguments(string[] args, string[] flags, params string[] names)
    {
        flags = [.. flags, "--demo"];
        names = [.. names, "--model"];
        for (var i = 0; i < args.Length; i++)
        {
            if (flags.Contains(args[i])) values[args[i]] = "";
            else if (!names.Contains(args[i]))
                throw new ArgumentException(
                    $"Unknown option '{args[i]}'; known: {string.Join(", ", flags.Concat(names.Select(n => n + " VALUE")))}.");
            else if (i + 1 == args.Length) throw new ArgumentException($"{args[i]} needs a value.");
            else values[args[i]] = args[++i];
        }

        Model = this["--model"] ?? FindDemoModel();
    }

    /// <summary>True runs a script instead of waiting for somebody.</summary>
    public bool Demo => Has("--demo");

    /// <summary>Folder of the vision model.</summary>
    public string Model { get; }

    /// <summary>A line about the model.</summary>
    public string Note => this["--model"] is { } path ? $"Model: {path}"
        : "Model: the shipped demo model, 8.8 M parameters, trained on drawn shapes only. Give another by its folder.";

    /// <summary>A value, or null.</summary>
    public string? this[string name] => values.GetValueOrDefault(name);

    /// <summary>Whether an option was given.</summary>
    public bool Has(string name) => values.ContainsKey(name);

    // The repository's demo model, wherever in it the program was built.
    private static string FindDemoModel()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var folder = Path.Combine(at.FullName, "samples", "DemoModel", "demo-llava");
            if (File.Exists(Path.Combine(folder, "config.json"))) return folder;
        }

        throw new ArgumentException("The demo model was not found above the program: name a model folder with --model.");
    }
}
