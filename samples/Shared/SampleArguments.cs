namespace D2Pruner.AI.Samples;

/// <summary>A sample's command line: <c>--demo</c> and named values.</summary>
internal sealed class SampleArguments
{
    private readonly Dictionary<string, string> values = [];

    /// <summary>Reads the command line.</summary>
    /// <exception cref="ArgumentException">An unknown option, or one without its value.</exception>
    public SampleArguments(string[] args, params string[] known)
    {
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--demo") Demo = true;
            else if (!known.Contains(args[i]))
                throw new ArgumentException(
                    $"Unknown option '{args[i]}'; known: --demo{string.Concat(known.Select(k => $", {k} VALUE"))}.");
            else if (i + 1 == args.Length) throw new ArgumentException($"{args[i]} needs a value.");
            else values[args[i]] = args[++i];
        }

        Model = this["--model"] ?? DemoModel.Find();
        Note = this["--model"] is { } path ? $"Model: {path}" : DemoModel.Note;
    }

    /// <summary>True runs a script instead of reading the keyboard.</summary>
    public bool Demo { get; }

    /// <summary>Folder of the vision model.</summary>
    public string Model { get; }

    /// <summary>A line about the model.</summary>
    public string Note { get; }

    /// <summary>A value, or null.</summary>
    public string? this[string name] => values.GetValueOrDefault(name);
}
