using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using D2Pruner.AI.Runtime.Native;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>
/// A safetensors file, held open. Tensors are read into memory of their own; of a mapped file, CPU tensors of the
/// file's own type are views of the mapping:
/// they must not outlive this object nor be written to. Nothing here touches a mapping's pages: that a file was cut off
/// shows as an exception, not as a signal.
/// </summary>
internal sealed unsafe class SafetensorsFile : IDisposable
{
    private const int MostAtOnce = 1 << 30;
    private readonly Dictionary<string, TensorEntry> _tensors;
    private readonly SafeFileHandle _file;
    private readonly FileIdentity _identity;
    private readonly MemoryMappedFile? _map;
    private readonly MemoryMappedViewAccessor? _view;
    private byte* _start;
    private bool _disposed;
    private bool _hugePages;

    private SafetensorsFile(string path, SafeFileHandle file, bool isMapped)
    {
        (FilePath, _file) = (path, file);
        if (OperatingSystem.IsLinux() && !UnixFile.TryLockShared(file))
            throw new SafetensorsException(path, "another program is writing it (it holds the file's lock). Wait until it has ended.");
        _identity = FileIdentity.Of(file);
        (_tensors, var metadata) = SafetensorsHeader.Read(path, file, _identity.Length);
        Metadata = metadata;
        if (!isMapped) return;
        _map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    /// <summary>The file.</summary>
    public string FilePath { get; }

    /// <summary>Whether tensors may be views of the file.</summary>
    public bool IsMapped => _start is not null;

    /// <summary>The header's metadata; empty when there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Names of the tensors.</summary>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <summary>Opens a file; its header is checked completely.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mapped">Hand out views where type and device allow. The file must then not change while this object lives.</param>
    /// <param name="hugePages">Ask for huge pages for large tensors that are copied: those that are read for every token.</param>
    /// <exception cref="SafetensorsException">The file is damaged, no regular file, or being written.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static SafetensorsFile Open(string path, bool mapped = false, bool hugePages = false)
    {
        SafeFileHandle file;
        try
        {
            file = RegularFile.Open(path);
        }
        catch (IOException e) when (e is not FileNotFoundException)
        {
            throw new SafetensorsException(path, e.Message, e);
        }

        try
        {
            return new SafetensorsFile(path, file, mapped) { _hugePages = hugePages };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The entry of a tensor, or null.</summary>
    public TensorEntry? Find(string name) => _tensors.GetValueOrDefault(name);

    /// <summary>Reads a tensor.</summary>
    /// <param name="name">The name.</param>
    /// <param name="type">Type wanted; null keeps the file's.</param>
    /// <param name="device">Device wanted; null is the CPU.</param>
    /// <returns>A view where the file is mapped, neither type nor device change and the data is
    /// aligned; else a tensor of its own.</returns>
    /// <exception cref="SafetensorsException">There is no such tensor, or the file is shorter than it was when it was opened.</exception>
    public Tensor Read(string name, ScalarType? type = null, Device? device = null)
    {
        var entry = Entry(name);
        var target = device ?? CPU;
        var asStored = (type is null || type == entry.Type) && target.type == DeviceType.CPU;
        if (asStored && View(entry) is { } view) return view;
        var tensor = Copy(entry);
        if (asStored) return tensor;
        using (tensor) return tensor.to(type ?? entry.Type, target);
    }

    /// <summary>Reads a tensor's elements into an array of the file's own element type.</summary>
    /// <exception cref="SafetensorsException">There is no such tensor, or its type has another size.</exception>
    public T[] ReadArray<T>(string name)
        where T : unmanaged
    {
        var entry = Entry(name);
        if (sizeof(T) != SafetensorsTypes.Size(entry.Type))
            throw new SafetensorsException(FilePath, $"the tensor '{name}' is {SafetensorsTypes.Name(entry.Type)}, not {typeof(T).Name}.");
        if (entry.Bytes > Array.MaxLength)
            throw new SafetensorsException(FilePath, $"the tensor '{name}' has {entry.Bytes} bytes, too many for an array.");
        var result = new T[entry.Count];
        ReadExactly(entry, MemoryMarshal.AsBytes(result.AsSpan()), 0);
        return result;
    }

    /// <summary>Looks whether the open file is what it was; cheap (one call of the system).</summary>
    /// <returns>The change in words, or null.</returns>
    public string? FindChange()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _identity.DifferenceTo(FileIdentity.Of(_file));
    }

    /// <summary>Writes a tensor's bytes as they are stored.</summary>
    internal void CopyTo(string name, Stream target)
    {
        var entry = Entry(name);
        var buffer = new byte[Math.Min(entry.Bytes, 1 << 22)];
        for (long at = 0; at < entry.Bytes;)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, entry.Bytes - at));
            ReadExactly(entry, part, at);
            target.Write(part);
            at += part.Length;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (_start is not null)
        {
            _start = null;
            _view!.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _map!.Dispose();
        }

        _file.Dispose();
    }

    private TensorEntry Entry(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Find(name) ?? throw new SafetensorsException(FilePath, $"it has no tensor '{name}' (it holds {_tensors.Count}).");
    }

    private Tensor? View(TensorEntry entry)
    {
        if (_start is null || entry.Bytes == 0) return null;
        var pointer = _start + entry.Offset;
        var aligned = (nuint)pointer % (nuint)SafetensorsTypes.Size(entry.Type) == 0;
        return aligned ? NativeTorch.TryFromBlob((nint)pointer, entry.Shape, entry.Type) : null;
    }

    private Tensor Copy(TensorEntry entry)
    {
        var tensor = empty(entry.Shape, entry.Type);
        try
        {
            if (_hugePages) HugePages.Ask(tensor);
            using var flat = tensor.view(-1);
            var size = SafetensorsTypes.Size(entry.Type);
            for (long at = 0; at < entry.Count;)
            {
                // A span holds at most 2 GiB.
                var count = Math.Min(MostAtOnce / size, entry.Count - at);
                using var part = flat.narrow(0, at, count);
                ReadExactly(entry, part.bytes, at * size);
                at += count;
            }

            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    private void ReadExactly(TensorEntry entry, Span<byte> target, long from)
    {
        for (var at = 0; at < target.Length;)
        {
            var read = RandomAccess.Read(_file, target[at..], entry.Offset + from + at);
            if (read == 0)
                throw new SafetensorsException(
                    FilePath, $"it ended inside the tensor '{entry.Name}': " +
                    $"{_identity.DifferenceTo(FileIdentity.Of(_file)) ?? "it cannot be read"}.");
            at += read;
        }
    }
}
