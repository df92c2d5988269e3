using D2Pruner.AI.Runtime.Kernels;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>The decode step on CPU by kernels and threads of our own; libtorch's threads rest meanwhile.</summary>
internal sealed class CpuStepper : IDisposable
{
    private readonly WorkerTeam _team;
    private readonly CpuDecodeStep _step;
    private readonly float[] _inverseFrequencies;
    private readonly SequenceRow[] _rows = new SequenceRow[MatrixKernel.MaxRows];

    /// <param name="decoder">The weights.</param>
    /// <param name="inverseFrequencies">theta^(-2j/d), [d / 2].</param>
    /// <param name="threads">Threads, the engine's among them.</param>
    public CpuStepper(CpuDecoder decoder, float[] inverseFrequencies, int threads)
    {
        _inverseFrequencies = inverseFrequencies;
        _team = new WorkerTeam(threads);
        try
        {
            _step = new CpuDecodeStep(decoder, _team);
        }
        catch
        {
            _team.Dispose(); // its threads would wait for ever
            throw;
        }
    }

    /// <summary>Feeds each sequence's token.</summary>
    /// <param name="rows">1 to <see cref="MatrixKernel.MaxRows"/>.</param>
    public void Run(DecodeRow[] rows)
    {
        for (var b = 0; b < rows.Length; b++)
        {
            var row = rows[b];
            var own = _rows[b] ??= new SequenceRow { Cos = new float[_inverseFrequencies.Length],
                Sin = new float[_inverseFrequencies.Length] };
            (own.Token, own.Kv, own.Logits) = (row.TokenId, row.Cache, row.Logits);
            RotaryRow.Fill(row.Position, _inverseFrequencies, own.Cos, own.Sin);
        }

        _step.Run(_rows.AsSpan(0, rows.Length));
    }

    public void Dispose()
    {
        _step.Dispose();
        _team.Dispose();
    }
}
