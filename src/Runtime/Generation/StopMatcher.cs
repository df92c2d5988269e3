using System.Text;

namespace D2Pruner.AI.Runtime.Generation;

/// <summary>Finds stop texts across token borders: holds back any ending that could still become one.</summary>
internal sealed class StopMatcher(IReadOnlyList<string> stops)
{
    private readonly StringBuilder _held = new();

    /// <summary>Whether a stop text was found; nothing is handed out after it.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Feeds text.</summary>
    /// <returns>Text that is now final.</returns>
    public string Push(string text)
    {
        if (Stopped || text.Length == 0) return "";
        if (stops.Count == 0) return text;
        var all = _held.Append(text).ToString();
        _held.Clear();
        var first = -1;
        foreach (var stop in stops)
        {
            var at = all.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (first < 0 || at < first)) first = at;
        }

        if (first >= 0)
        {
            Stopped = true;
            return all[..first];
        }

        var hold = stops.Max(s => Overlap(all, s));
        _held.Append(all, all.Length - hold, hold);
        return all[..^hold];
    }

    /// <summary>Ends the text.</summary>
    /// <returns>What was held back.</returns>
    public string Flush()
    {
        var rest = Stopped ? "" : _held.ToString();
        _held.Clear();
        return rest;
    }

    private static int Overlap(string text, string stop)
    {
        for (var n = Math.Min(text.Length, stop.Length - 1); n > 0; n--)
        {
            if (text.AsSpan(text.Length - n).SequenceEqual(stop.AsSpan(0, n))) return n;
        }

        return 0;
    }
}
