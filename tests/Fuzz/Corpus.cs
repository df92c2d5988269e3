namespace D2Pruner.AI.Fuzz;

/// <summary>Inputs that once went wrong, tried first every time.</summary>
internal static class Corpus
{
    private static readonly Dictionary<string, IReadOnlyList<byte[]>> Read = new(StringComparer.Ordinal);

    public static IReadOnlyList<byte[]> Of(string target)
    {
        lock (Read)
        {
            if (Read.TryGetValue(target, out var known)) return known;
            var folder = Path.Combine(AppContext.BaseDirectory, "Corpus", target);
            return Read[target] = Directory.Exists(folder)
                ? [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)] : [];
        }
    }
}
