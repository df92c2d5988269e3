using System.IO.MemoryMappedFiles;

namespace D2Pruner.AI.Fuzz;

/// <summary>
/// What a child process has done, in shared memory: it outlives a child that is killed by the operating system. The number of the input in
/// work, then the counts.
/// </summary>
internal sealed class ProgressFile : IDisposable
{
    private const int Slots = 6;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public ProgressFile(string path)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, Slots * sizeof(long));
        _view = _file.CreateViewAccessor();
    }

    /// <summary>Number of the input in work.</summary>
    public long Current
    {
        get => _view.ReadInt64(0);
        set => _view.Write(0, value);
    }

    public long Inputs
    {
        get => _view.ReadInt64(8);
        set => _view.Write(8, value);
    }

    public long Untyped
    {
        get => _view.ReadInt64(16);
        set => _view.Write(16, value);
    }

    public long LargeAllocations
    {
        get => _view.ReadInt64(24);
        set => _view.Write(24, value);
    }

    /// <summary>1 once inputs are tried: before, the child is only starting.</summary>
    public long Started
    {
        get => _view.ReadInt64(32);
        set => _view.Write(32, value);
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
