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
    private readonly IDisposable _lock;

    private RunFile(FileStream stream, IDisposable held) => (_stream, _lock) = (stream, held);

    /// <summary>Opens a file for going on, cutting off half a line at its end. Others may read it meanwhile, but not go on with it: two
    /// that write would write into each other's lines.</summary>
    /// <param name="path">The file; made if it is not there.</param>
    /// <returns>The file, and the whole lines in it.</returns>
    /// <exception cref="IOException">It is no regular file, cannot be opened, or another run goes on with it.</exception>
    /// <exception cref="InvalidDataException">A line that is not the last cannot be read.</exception>
    public static (RunFile File, List<SampleRecord> Records) Open(string path)
    {
        RegularFile.Check(path);
        // A file of its own: a lock on the answers would keep readers out.
        var held = FileLock.TryTake(path + ".lock")
            ?? throw new IOException($"Another run is writing {path}. Wait until it has ended, or choose another --out.");
        FileStream? stream = null;
        try
        {
            stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            var whole = Array.LastIndexOf(bytes, (byte)'\n') + 1;
            var records = Read(bytes.AsSpan(0, whole), path);
            stream.SetLength(whole);
            stream.Position = whole;
            return (new RunFile(stream, held), records);
        }
        catch
        {
            stream?.Dispose();
            held.Dispose();
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
    public void Dispose()
    {
        _stream.Dispose();
        _lock.Dispose();
    }

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
