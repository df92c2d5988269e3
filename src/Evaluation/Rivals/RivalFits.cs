using System.Text.Json;
using System.Text.Json.Serialization;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>Rivals that learn from a run's first questions, each once per condition. A file keeps what they learned for when the run goes
/// on.</summary>
/// <param name="path">The file; one of something else, or damaged, is written anew.</param>
/// <param name="from">What is learned from: model and questions.</param>
internal sealed class RivalFits(string path, IReadOnlyList<string> from)
{
    private readonly Lock _gate = new();
    private Dictionary<string, int[]?>? _tables;

    /// <summary>A condition's stages.</summary>
    /// <param name="rival">The rival.</param>
    /// <param name="condition">The condition.</param>
    /// <param name="questions">Begins the questions to learn from.</param>
    public IDecoderRival Get(Rival rival, Condition condition, Func<IReadOnlyList<SharedForward>> questions)
    {
        lock (_gate)
        {
            _tables ??= Read();
            if (!_tables.TryGetValue(condition.Key, out var table) || table is null)
            {
                _tables[condition.Key] = table = Fit(rival, condition, questions());
                AtomicFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(new Learned(from, _tables)));
            }

            return rival.Fitted!(table);
        }
    }

    private static int[] Fit(Rival rival, Condition condition, IReadOnlyList<SharedForward> begun)
    {
        try
        {
            return rival.Fit!(begun, condition);
        }
        finally
        {
            for (var i = begun.Count - 1; i >= 0; i--) begun[i].Dispose(); // scopes close in the order of a stack
        }
    }

    private Dictionary<string, int[]?> Read()
    {
        if (!File.Exists(path)) return [];
        try
        {
            if (JsonSerializer.Deserialize<Learned>(RegularFile.ReadAllBytes(path)) is { From: { } about, Tables: { } tables }
                && about.SequenceEqual(from)) return tables;
        }
        catch (JsonException)
        {
            // Damaged: learned again.
        }

        return [];
    }

    private sealed record Learned(
        [property: JsonPropertyName("from")] IReadOnlyList<string> From,
        [property: JsonPropertyName("tables")] Dictionary<string, int[]?> Tables);
}
