namespace D2Pruner.AI.Samples;

/// <summary>Lines from the keyboard, or from a script that is shown as if it were typed. (The same file in several samples, so that each
/// can be copied out alone.)</summary>
internal sealed class LineReader(string prompt, IEnumerable<string>? script)
{
    private readonly Queue<string>? lines = script is null ? null : new Queue<string>(script);

    /// <summary>The next line, or null at the end.</summary>
    public string? Read()
    {
        Console.Write(prompt);
        if (lines is null) return Console.ReadLine()?.Trim();
        var line = lines.TryDequeue(out var next) ? next : null;
        Console.WriteLine(line);
        return line;
    }
}
