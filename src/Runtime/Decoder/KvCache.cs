using D2Pruner.AI.Runtime.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>
/// Keys and values of one sequence: per layer a preallocated buffer [1, KV, capacity, d] with its own length, because layers
/// below and above the prune point may hold different numbers of tokens. Positions never come from a length.
/// </summary>
internal sealed class KvCache : IKvRows, IDisposable
{
    private readonly Tensor?[] _keys;
    private readonly Tensor?[] _values;
    private readonly KvRows[] _addresses;
    private readonly int[] _lengths;
    private readonly int[] _most; // tokens that a layer will hold, once that is known
    private readonly int _room;

    /// <summary>Creates an empty cache.</summary>
    /// <param name="layers">L.</param>
    /// <param name="room">Tokens to leave room for beyond the prompt; the cache grows when they are used up.</param>
    public KvCache(int layers, int room)
    {
        _keys = new Tensor?[layers];
        _values = new Tensor?[layers];
        _addresses = new KvRows[layers];
        _lengths = new int[layers];
        _most = new int[layers];
        Array.Fill(_most, int.MaxValue);
        _room = Math.Max(1, room);
    }

    /// <summary>Tokens held per layer.</summary>
    public IReadOnlyList<int> Lengths => _lengths;

    /// <summary>Bytes in use (lengths, not capacities), keys and values of all layers.</summary>
    public long Bytes
    {
        get
        {
            long sum = 0;
            for (var i = 0; i < _keys.Length; i++)
            {
                if (_keys[i] is { } k) sum += 2 * _lengths[i] * k.shape[1] * k.shape[3] * k.element_size();
            }

            return sum;
        }
    }

    /// <summary>Bytes allocated (capacities, not lengths), keys and values of all layers.</summary>
    public long CapacityBytes => _keys.Sum(k => k is null ? 0 : 2 * k.NumberOfElements * k.element_size());

    /// <summary>Says how many tokens will follow those held now: room is made for no more.</summary>
    /// <param name="tokens">Tokens per layer.</param>
    public void Expect(int tokens)
    {
        for (var i = 0; i < _lengths.Length; i++) _most[i] = (int)Math.Min(int.MaxValue, (long)_lengths[i] + tokens);
    }

    /// <summary>The lengths now, for <see cref="Rewind"/>.</summary>
    public int[] Mark() => [.. _lengths];

    /// <summary>Drops what was appended since a mark: a step that failed half-way leaves nothing behind.</summary>
    /// <param name="mark">Lengths per layer, none above the present one.</param>
    public void Rewind(int[] mark)
    {
        for (var i = 0; i < _lengths.Length; i++) _lengths[i] = Math.Min(_lengths[i], mark[i]);
    }

    /// <summary>A cache of its own that begins with this one's first tokens.</summary>
    /// <param name="rows">Tokens to copy per layer, at most its length; a layer of 0 starts empty.</param>
    /// <param name="room">Tokens to leave room for beyond the prompt, in every layer.</param>
    /// <param name="coming">Tokens of the prompt that follow in the layers that are copied; pruning may keep them from the others.</param>
    /// <exception cref="ArgumentException">A layer holds fewer tokens.</exception>
    public KvCache Fork(IReadOnlyList<int> rows, int room, int coming = 0)
    {
        var fork = new KvCache(_keys.Length, room);
        try
        {
            for (var i = 0; i < _keys.Length; i++)
            {
                if (rows[i] > 0) fork.Take(i, this, rows[i], coming + fork._room);
            }
        }
        catch
        {
            fork.Dispose();
            throw;
        }

        return fork;
    }

    /// <summary>Fills an empty layer with another cache's first tokens.</summary>
    /// <param name="layer">The layer, empty.</param>
    /// <param name="from">The other cache.</param>
    /// <param name="rows">Tokens to copy, at least 1 and at most its length.</param>
    /// <param name="room">Tokens to leave room for beyond them.</param>
    public void Adopt(int layer, KvCache from, int rows, int room)
    {
        if (_lengths[layer] != 0) throw new InvalidOperationException($"Layer {layer} holds {_lengths[layer]} tokens already.");
        Take(layer, from, rows, room);
    }

    /// <summary>Appends keys and values.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="k">[1, KV, n, d]; cast to the cache's type.</param>
    /// <param name="v">[1, KV, n, d].</param>
    /// <param name="type">Type of the cache, used when the layer is still empty.</param>
    public void Append(int layer, Tensor k, Tensor v, ScalarType type)
    {
        var n = (int)k.shape[2];
        Reserve(layer, k, type, _lengths[layer] + n);
        Write(_keys[layer]!, k, _lengths[layer], n);
        Write(_values[layer]!, v, _lengths[layer], n);
        _lengths[layer] += n;
    }

    /// <summary>Views of a layer's keys and values in use, [1, KV, length, d]; the caller disposes the views.</summary>
    public (Tensor Keys, Tensor Values) View(int layer) =>
        (_keys[layer]!.narrow(2, 0, _lengths[layer]), _values[layer]!.narrow(2, 0, _lengths[layer]));

    KvRows IKvRows.Reserve(int layer)
    {
        Reserve(layer, _keys[layer] ?? throw new InvalidOperationException($"Layer {layer} of the cache is empty."), _keys[layer]!.dtype,
            _lengths[layer] + 1);
        if (_addresses[layer].Keys == 0) _addresses[layer] = AddressesOf(_keys[layer]!, _values[layer]!);
        return _addresses[layer] with { Length = _lengths[layer] };
    }

    void IKvRows.Advance()
    {
        for (var i = 0; i < _lengths.Length; i++) _lengths[i]++;
    }

    /// <summary>Keeps only some of a layer's tokens.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="index">[M] int64, ascending indices into the layer's tokens.</param>
    public void Keep(int layer, Tensor index)
    {
        var kept = (int)index.shape[0];
        Replace(_keys, layer, index, kept);
        Replace(_values, layer, index, kept);
        _addresses[layer] = default;
        _lengths[layer] = kept;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (var i = 0; i < _keys.Length; i++)
        {
            _keys[i]?.Dispose();
            _values[i]?.Dispose();
            _keys[i] = _values[i] = null;
            _addresses[i] = default;
        }
    }

    private static unsafe KvRows AddressesOf(Tensor keys, Tensor values)
    {
        // Native memory: it does not move.
        fixed (byte* k = keys.bytes, v = values.bytes) return new KvRows(
            (nint)k, (nint)v, 0, (int)keys.shape[2], keys.dtype == ScalarType.BFloat16);
    }

    private void Take(int layer, KvCache from, int rows, int room)
    {
        // Behind a layer's length lies memory that nobody has written.
        if (rows > from._lengths[layer])
            throw new ArgumentException($"Layer {layer} holds {from._lengths[layer]} tokens; {rows} cannot be taken.", nameof(rows));
        _keys[layer] = Copy(from._keys[layer]!, rows, room);
        _values[layer] = Copy(from._values[layer]!, rows, room);
        _lengths[layer] = rows;
    }

    private static Tensor Copy(Tensor from, int rows, int room)
    {
        var buffer = Allocate(from, from.dtype, rows + room);
        using var used = from.narrow(2, 0, rows);
        Write(buffer, used, 0, rows);
        return buffer;
    }

    private static void Write(Tensor buffer, Tensor x, int start, int n)
    {
        using var slot = buffer.narrow(2, start, n);
        slot.copy_(x);
    }

    private void Replace(Tensor?[] buffers, int layer, Tensor index, int kept)
    {
        var old = buffers[layer]!;
        using var selected = old.index_select(2, index);
        var buffer = Allocate(old, old.dtype, kept + _room);
        Write(buffer, selected, 0, kept);
        buffers[layer] = buffer;
        old.Dispose();
    }

    private void Reserve(int layer, Tensor like, ScalarType type, int needed)
    {
        if (_addresses[layer].Capacity >= needed || _keys[layer] is { } k && k.shape[2] >= needed) return;
        var length = _lengths[layer];
        // Ahead of need, but within what was set aside for the answer.
        var capacity = Math.Max(needed, Math.Min(_most[layer], needed + Math.Max(_room, length / 2)));
        var (oldKeys, oldValues) = (_keys[layer], _values[layer]);
        var keys = Grown(oldKeys, like, type, length, capacity);
        try
        {
            // Both grow or neither: a step writes values as far as the keys reach.
            _values[layer] = Grown(oldValues, like, type, length, capacity);
        }
        catch
        {
            keys.Dispose();
            throw;
        }

        _keys[layer] = keys;
        _addresses[layer] = default;
        oldKeys?.Dispose();
        oldValues?.Dispose();
    }

    // The old buffer's tokens in a new one; the old one stays the caller's.
    private static Tensor Grown(Tensor? old, Tensor like, ScalarType type, int length, int capacity)
    {
        var buffer = Allocate(old ?? like, old?.dtype ?? type, capacity);
        if (old is null) return buffer;
        try
        {
            using var used = old.narrow(2, 0, length);
            Write(buffer, used, 0, length);
            return buffer;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    // Buffers outlive the scope in which they are made.
    private static Tensor Allocate(Tensor like, ScalarType type, int capacity) =>
        empty([1, like.shape[1], capacity, like.shape[3]], type, like.device).DetachFromDisposeScope();
}
