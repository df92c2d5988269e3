using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using D2Pruner.AI.Runtime.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>A memory-mapped safetensors file. CPU tensors of the file's own type are views of the mapping: they must not outlive this object nor be written to.</summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly Dictionary<string, TensorEntry> _tensors;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _start;

    private SafetensorsFile(string path)
    {
        FilePath = path;
        (_tensors, var metadata) = SafetensorsHeader.Read(path);
        Metadata = metadata;
        _map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    /// <summary>The file.</summary>
    public string FilePath { get; }

    /// <summary>The header's metadata; empty when there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Names of the tensors.</summary>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <summary>Opens a file; its header is checked completely.</summary>
    /// <exception cref="SafetensorsException">The file is damaged.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static SafetensorsFile Open(string path) => new(path);

    /// <summary>The entry of a tensor, or null.</summary>
    public TensorEntry? Find(string name) => _tensors.GetValueOrDefault(name);

    /// <summary>Reads a tensor.</summary>
    /// <param name="name">The name.</param>
    /// <param name="type">Type wanted; null keeps the file's.</param>
    /// <param name="device">Device wanted; null is the CPU.</param>
    /// <returns>A view of the mapping when neither type nor device change and the data is aligned; else a tensor of its own.</returns>
    /// <exception cref="SafetensorsException">There is no such tensor.</exception>
    public Tensor Read(string name, ScalarType? type = null, Device? device = null)
    {
        var entry = Entry(name);
        var mapped = Map(entry);
        var target = device ?? CPU;
        if ((type is null || type == entry.Type) && target.type == DeviceType.CPU) return mapped;
        using (mapped) return mapped.to(type ?? entry.Type, target);
    }

    /// <summary>Reads a tensor's elements into an array of the file's own element type.</summary>
    /// <exception cref="SafetensorsException">There is no such tensor, or its type has another size.</exception>
    public T[] ReadArray<T>(string name)
        where T : unmanaged
    {
        var entry = Entry(name);
        if (sizeof(T) != SafetensorsTypes.Size(entry.Type))
            throw new SafetensorsException(FilePath, $"the tensor '{name}' is {SafetensorsTypes.Name(entry.Type)}, not {typeof(T).Name}.");
        var result = new T[entry.Count];
        new ReadOnlySpan<byte>(_start + entry.Offset, checked((int)entry.Bytes)).CopyTo(MemoryMarshal.AsBytes(result.AsSpan()));
        return result;
    }

    /// <summary>A tensor's bytes in the mapping: not to be used after this object.</summary>
    internal ReadOnlySpan<byte> RawBytes(string name)
    {
        var entry = Entry(name);
        return new ReadOnlySpan<byte>(_start + entry.Offset, checked((int)entry.Bytes));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_start is null) return;
        _start = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }

    private TensorEntry Entry(string name)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        return Find(name) ?? throw new SafetensorsException(FilePath, $"it has no tensor '{name}' (it holds {_tensors.Count}).");
    }

    private Tensor Map(TensorEntry entry)
    {
        var pointer = _start + entry.Offset;
        var aligned = (nuint)pointer % (nuint)SafetensorsTypes.Size(entry.Type) == 0;
        if (aligned && entry.Bytes > 0 && NativeTorch.TryFromBlob((nint)pointer, entry.Shape, entry.Type) is { } view) return view;
        var copy = empty(entry.Shape, entry.Type);
        var target = copy.bytes;
        new ReadOnlySpan<byte>(pointer, checked((int)entry.Bytes)).CopyTo(target);
        return copy;
    }
}
