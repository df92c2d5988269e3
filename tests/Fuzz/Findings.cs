using System.Globalization;

namespace D2Pruner.AI.Fuzz;

/// <summary>The folder where inputs that went wrong are kept: the input itself, and beside it what
/// happened. At most a few of a kind.</summary>
internal sealed class Findings(string folder)
{
    private const int MostOfAKind = 3;
    private readonly Dictionary<string, int> _kinds = new(StringComparer.Ordinal);

    public string Folder => folder;

    public void Keep(string target, long number, byte[] input, string what, string kind)
    {
        lock (_kinds)
        {
            var seen = _kinds[target + kind] = _kinds.GetValueOrDefault(target + kind) + 1;
            if (seen > MostOfAKind) return;
        }

        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{target}-{number}"));
        File.WriteAllBytes(path + ".bin", input);
        File.WriteAllText(path + ".txt", what);
        Console.WriteLine($"  found: {target} {number}: {what.Split('\n')[0]} ({path}.bin)");
    }
}
