using System.Collections;
using D2Pruner.AI.Runtime.Checkpoints;
using Parquet;
using Parquet.Serialization;

namespace D2Pruner.AI.Evaluation.Data.Rows;

/// <summary>Rows of Hugging Face's Parquet shards, in the order of their names.</summary>
internal static class ParquetRows
{
    /// <summary>Reads the shards of a folder that belong to a part of a data set.</summary>
    /// <param name="folder">The folder, or one shard.</param>
    /// <param name="part">Part of the path that must be there (a configuration's folder or name); null for any.</param>
    /// <param name="split">Beginning of the files' names: <c>test</c> reads <c>test-00000-of-00002.parquet</c> and <c>test2014-...</c>,
    /// but not <c>testA-...</c>; null for any.</param>
    /// <exception cref="FileNotFoundException">No shard fits.</exception>
    /// <exception cref="InvalidDataException">A shard is damaged.</exception>
    public static IEnumerable<DataRow> Read(string folder, string? part, string? split)
    {
        foreach (var shard in Shards(folder, part, split))
        {
            var number = 0;
            foreach (var fields in ReadShard(shard)) yield return new DataRow($"{Path.GetFileName(shard)} row {number++}", fields);
        }
    }

    /// <summary>Whether a folder (or file) holds Parquet.</summary>
    public static bool IsParquet(string path) =>
        path.EndsWith(".parquet", StringComparison.Ordinal) || Directory.Exists(path)
            && Directory.EnumerateFiles(path, "*.parquet", SearchOption.AllDirectories).Any();

    private static IEnumerable<string> Shards(string folder, string? part, string? split)
    {
        string[] all = File.Exists(folder) ? [folder]
            : [.. Directory.GetFiles(folder, "*.parquet", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        bool Fits(string f)
        {
            var relative = Path.GetRelativePath(folder, f);
            return (part is null || relative.Split(Path.DirectorySeparatorChar)
                .Any(p => p.StartsWith(part, StringComparison.OrdinalIgnoreCase)))
                && (split is null || IsOf(split, Path.GetFileName(f)));
        }

        string[] chosen = File.Exists(folder) ? all : [.. all.Where(Fits)];
        if (chosen.Length > 0) return chosen;
        throw new FileNotFoundException(
            $"{folder} holds no Parquet file of {(part is null ? "" : $"'{part}', ")}split '{split}'; found: " +
            $"{string.Join(", ", all.Take(8).Select(f => Path.GetRelativePath(folder, f)))}.");
    }

    private static bool IsOf(string split, string file) =>
        file.StartsWith(split, StringComparison.OrdinalIgnoreCase) && file.Length > split.Length && !char.IsAsciiLetter(file[split.Length]);

    private static IEnumerable<Dictionary<string, object?>> ReadShard(string path)
    {
        using var stream = RegularFile.OpenStream(path);
        var groups = Wait(async () =>
        {
            await using var reader = await ParquetReader.CreateAsync(stream, leaveStreamOpen: true).ConfigureAwait(false);
            return reader.RowGroupCount;
        }, path);
        for (var g = 0; g < groups; g++)
        {
            var group = g;
            var rows = Wait(async () =>
                (await ParquetSerializer.DeserializeUntypedAsync(stream, null, group).ConfigureAwait(false)).Data, path);
            foreach (var row in rows) yield return row.ToDictionary(f => f.Key, f => Plain(f.Value), StringComparer.Ordinal);
        }
    }

    private static T Wait<T>(Func<Task<T>> work, string path)
    {
        try
        {
            return Task.Run(work).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new InvalidDataException($"{path} is no readable Parquet file: {e.Message}", e);
        }
    }

    // What the reader gives to what rows hold: text, numbers, bytes, lists, dictionaries.
    private static object? Plain(object? value) => value switch
    {
        null => null,
        string or byte[] => value,
        ReadOnlyMemory<char> text => text.ToString(),
        ReadOnlyMemory<byte> bytes => bytes.ToArray(),
        IDictionary<string, object?> o => o.ToDictionary(p => p.Key, p => Plain(p.Value), StringComparer.Ordinal),
        IEnumerable list => list.Cast<object?>().Select(Plain).ToList(),
        _ => value,
    };
}
