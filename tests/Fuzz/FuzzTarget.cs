namespace D2Pruner.AI.Fuzz;

/// <summary>Something that reads input from outside. Inputs are bytes, so that found ones can be kept as files.</summary>
internal abstract class FuzzTarget : IDisposable
{
    /// <summary>Its name on the command line and of its corpus folder.</summary>
    public abstract string Name { get; }

    /// <summary>Bytes one input may allocate, managed ones and what the process grows by.</summary>
    public virtual long AllocationLimit => 64L << 20;

    /// <summary>Whether native memory is watched too (slower).</summary>
    public virtual bool WatchesNativeMemory => false;

    /// <summary>Makes an input; the same random numbers make the same one.</summary>
    public abstract byte[] Make(Random random);

    /// <summary>Gives an input to the code under test. Exceptions are judged by the caller; anything wrongly accepted
    /// is a <see cref="FuzzFailure"/>.</summary>
    public abstract void Run(byte[] input);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}
