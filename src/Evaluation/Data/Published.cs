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

    /// <summary>The letter of an answer that is a letter or a number: of an option in a list, or of a column, be it empty.</summary>
    /// <exception cref="RowException">It is none of them.</exception>
    public static string OptionLetter(string answer, DataRow row, IReadOnlyList<string> list)
    {
        var options = Math.Max(list.Count, Columns(row).Count());
        var index = int.TryParse(answer, out var number) ? number : answer.Length == 1 ? char.ToUpperInvariant(answer[0]) - 'A' : -1;
        return index >= 0 && index < options ? $"{(char)('A' + index)}"
            : throw new RowException($"the answer '{answer}' is none of its {options} options");
    }

    /// <summary>Whether a row has its options in columns, be they empty.</summary>
    public static bool HasOptionColumns(DataRow row) => Columns(row).Any();

    /// <summary>Options in columns A, B, C... One that is missing before others is an empty text, so that those keep their letters: the
    /// official code asks such a row too.</summary>
    /// <exception cref="RowException">The table has no such columns.</exception>
    public static List<string> OptionColumns(DataRow row)
    {
        if (!HasOptionColumns(row)) throw new RowException("no options");
        List<string> options = [.. Columns(row).Select(c => row.TextOrNull(c) ?? "")];
        return options[..(options.FindLastIndex(o => o.Length > 0) + 1)];
    }

    private static IEnumerable<string> Columns(DataRow row) =>
        Enumerable.Range('A', 26).Select(c => $"{(char)c}").TakeWhile(row.Fields.ContainsKey);
}
