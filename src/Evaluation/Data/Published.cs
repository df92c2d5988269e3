using D2Pruner.AI.Evaluation.Data.Rows;

namespace D2Pruner.AI.Evaluation.Data;

/// <summary>Finds out which published layout a path holds.</summary>
internal static class Published
{
    /// <summary>Rows of Parquet shards or of VLMEvalKit's TSV; null if the path holds neither.</summary>
    public static IEnumerable<DataRow>? Rows(string path, string? part, string? split, List<string> problems)
    {
        if (!File.Exists(path) && !Directory.Exists(path))
            throw new FileNotFoundException($"{path} is not there; give the folder or file of the data set as NAME=PATH.");
        if (ParquetRows.IsParquet(path)) return ParquetRows.Read(path, part, split);
        return Only(path, "*.tsv") is { } tsv ? TsvRows.Read(tsv, problems) : null;
    }

    /// <summary>The first file of a pattern: the path itself, or one in it; null if there is none.</summary>
    public static string? Find(string path, string pattern) => All(path, pattern).FirstOrDefault();

    /// <summary>The one file of a pattern; null if there is none. A folder may hold those of other sets and parts.</summary>
    /// <param name="path">A file or folder.</param>
    /// <param name="pattern">With * and ?.</param>
    /// <param name="wanted">Which of them count; null for all.</param>
    /// <exception cref="ArgumentException">There are several: to take one of them would be a guess.</exception>
    public static string? Only(string path, string pattern, Func<string, bool>? wanted = null)
    {
        string[] found = [.. All(path, pattern).Where(f => wanted is null || wanted(Path.GetFileName(f)))];
        if (found.Length < 2) return found.SingleOrDefault();
        var names = string.Join(", ", found.Take(8).Select(f => Path.GetRelativePath(path, f)));
        throw new ArgumentException($"{path} holds {found.Length} files that could be meant: {names}; name one as NAME=PATH/FILE.");
    }

    private static string[] All(string path, string pattern)
    {
        if (File.Exists(path))
            return System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, Path.GetFileName(path)) ? [path] : [];
        return [.. Directory.GetFiles(path, pattern, SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
    }

    /// <summary>The file of a pattern.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static string Require(string path, string pattern, string what) =>
        Find(path, pattern) ?? throw new FileNotFoundException(
            $"{path} holds {what} in none of the published layouts: neither Parquet, nor TSV, nor {pattern}.");

    /// <summary>Folders in which images of a set may lie: the path, and its sub-folders.</summary>
    public static IReadOnlyList<string> Folders(string path)
    {
        var root = File.Exists(path) ? Path.GetDirectoryName(Path.GetFullPath(path))! : path;
        return [root, .. Directory.GetDirectories(root, "*", SearchOption.AllDirectories)];
    }

    /// <summary>A one-letter answer's place among the options.</summary>
    /// <exception cref="RowException">It is none of them.</exception>
    public static int OptionIndex(string answer, int options)
    {
        var index = int.TryParse(answer, out var number) ? number : answer.Length == 1 ? char.ToUpperInvariant(answer[0]) - 'A' : -1;
        return index >= 0 && index < options ? index : throw new RowException($"the answer '{answer}' is none of its {options} options");
    }

    /// <summary>Options in columns A, B, C... up to the first that is missing, as the official code reads them.</summary>
    /// <exception cref="RowException">There are fewer than two.</exception>
    public static List<string> OptionColumns(DataRow row)
    {
        var options = new List<string>();
        for (var letter = 'A'; letter <= 'Z' && row.TextOrNull($"{letter}") is { } option; letter++) options.Add(option);
        return options.Count >= 2 ? options : throw new RowException($"{options.Count} options");
    }
}
