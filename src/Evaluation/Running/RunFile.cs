using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>The answers of a run, one JSON object a line, written through after every question: what a kill leaves is whole
/// lines and perhaps half of one.</summary>
internal sealed class RunFile : IDisposable
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly FileStream _stream;

    private RunFile(FileStream stream) => _stream = stream;

    /// <summary>Opens a file for going on, cutting off half a line at its end.</summary>
    /// <param name="path">The file; made if it is not there.</param>
    /// <returns>The file, and the whole lines in it.</returns>
    /// <exception cref="IOException">It is no regular file, or cannot be opened.</exception>
    /// <exception cref="InvalidDataException">A line that is not the last cannot be read.</exception>
    public static (RunFile File, List<SampleRecord> Records) Open(string path)
    {
        RegularFile.Check(path);
        var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            var whole = Array.LastIndexOf(bytes, (byte)'\n') + 1;
            var records = Read(bytes.AsSpan(0, whole), path);
            stream.SetLength(whole);
            stream.Position = whole;
            return (new RunFile(stream), records);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Appends a line and hands it to the operating system.</summary>
    public void Append(SampleRecord record)
    {
        _stream.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(record, Json) + "\n"));
        _stream.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static List<SampleRecord> Read(ReadOnlySpan<byte> bytes, string path)
    {
        var records = new List<SampleRecord>();
        foreach (var range in bytes.Split((byte)'\n'))
        {
            var line = bytes[range];
            if (line.IsEmpty) continue;
            try
            {
                records.Add(JsonSerializer.Deserialize<SampleRecord>(line, Json)!);
            }
            catch (JsonException e)
            {
                throw new InvalidDataException(
                    $"Line {records.Count + 1} of {path} is no result ({e.Message}); remove it, or choose another --out.", e);
            }
        }

        return records;
    }
}
