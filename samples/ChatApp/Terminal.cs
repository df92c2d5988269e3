namespace D2Pruner.AI.Samples;

/// <summary>What a model wrote, safe to print. (The same file in several samples, so that each can be copied out alone.)</summary>
internal static class Terminal
{
    /// <summary>The text with control characters, which could change the terminal's state, as dots.</summary>
    public static string Safe(string text) => string.Concat(text.Select(c => char.IsControl(c) && c != '\n' ? '.' : c));
}
