using System.Text.RegularExpressions;
using D2Pruner.AI.Runtime.Checkpoints.Quantized;
using D2Pruner.AI.Runtime.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>The tensors of a checkpoint, over all its files, in the type and on the device that the model computes with.
/// Owns everything it hands out.</summary>
internal sealed partial class CheckpointWeights : ITensorSource, IDisposable
{
    private readonly string _folder;
    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, SafetensorsFile> _where = new(StringComparer.Ordinal);
    private readonly List<IDisposable> _owned = [];
    private readonly IReadOnlyList<QuantizedFormat> _formats;
    private readonly Dictionary<string, QuantizedFormat> _quantized = new(StringComparer.Ordinal);
    private TensorNameMap _names = TensorNameMap.Identity;
    private Action<long>? _progress;
    private CancellationToken _cancellationToken;

    private QuantizationRule? _rule;
    private int _activationBits = 16;
    private QuantizationRule? _headRule;
    private volatile bool _disposed;

    private CheckpointWeights(CheckpointFolder folder, WeightsAccess access) =>
        (_folder, _formats, Access) = (folder.Path, folder.Quantization?.Formats ?? [], access);

    /// <summary>Whether the files are mapped or copied, and why.</summary>
    public WeightsAccess Access { get; }

    /// <summary>Type in which tensors are handed out.</summary>
    public ScalarType Type { get; private set; }

    /// <summary>Device on which tensors are handed out.</summary>
    public Device Device { get; private set; } = CPU;

    /// <summary>Canonical names of the linear maps that the files hold quantized; known after <see cref="Check"/>.</summary>
    public IReadOnlyCollection<string> QuantizedModules => _quantized.Keys;

    /// <summary>Bytes of everything handed out, as computed with.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes of all tensors in the files.</summary>
    public long FileBytes => _where.Sum(w => w.Value.Find(w.Key)!.Bytes);

    /// <summary>Opens the weight files of a folder and reads their headers.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="inMemory">Copy everything while loading (true) or map the files (false); null decides by who may change them:
    /// <see cref="WeightsAccess.Decide"/>.</param>
    /// <param name="hugePages">Ask for huge pages for large tensors that are copied.</param>
    /// <exception cref="CheckpointException">Files are missing or damaged.</exception>
    public static CheckpointWeights Open(CheckpointFolder folder, bool? inMemory = null, bool hugePages = false)
    {
        var paths = folder.WeightFiles();
        var weights = new CheckpointWeights(folder, WeightsAccess.Decide(paths, inMemory));
        var problems = new List<string>();
        Exception? cause = null;
        foreach (var path in paths)
        {
            try
            {
                var file = SafetensorsFile.Open(path, mapped: !weights.Access.InMemory, hugePages);
                weights._files.Add(file);
                foreach (var name in file.Names)
                {
                    if (!weights._where.TryAdd(name, file)) problems.Add($"the tensor '{name}' is in more than one file.");
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                cause = e;
                problems.Add(e.Message);
            }
        }

        if (problems.Count == 0) return weights;
        weights.Dispose();
        throw new CheckpointException(folder.Path, problems, cause);
    }

    /// <summary>Looks whether mapped files are what they were when they were opened: before every request, one call of the
    /// system a file. Copies need no look.</summary>
    /// <exception cref="WeightsChangedException">A file was written or cut off.</exception>
    /// <exception cref="ObjectDisposedException">The weights are freed, perhaps meanwhile: callers are not on the engine's
    /// thread.</exception>
    public void ThrowIfChanged()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Access.InMemory) return;
        foreach (var file in _files)
        {
            if (file.FindChange() is { } change) throw new WeightsChangedException(file.FilePath, change);
        }
    }

    /// <summary>Compares the files with what a configuration asks for and names every difference at once.</summary>
    /// <param name="plan">What is asked for.</param>
    /// <param name="names">Other spellings of names.</param>
    /// <param name="unused">Canonical names (or prefixes ending in a dot) that may be there and are not used.</param>
    /// <exception cref="CheckpointException">Tensors are missing, have other shapes, or are not known.</exception>
    public void Check(TensorPlan plan, TensorNameMap names, IReadOnlyList<string> unused)
    {
        _names = names;
        var problems = new List<string>();
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (var t in plan.Tensors)
        {
            if (t.IsLinear && CheckQuantized(t, used, problems)) continue;
            if (names.Resolve(t.Name, _where.ContainsKey) is not { } name)
            {
                var old = names.ToOld(t.Name);
                if (!t.Optional)
                    problems.Add($"the tensor '{t.Name}'{(old == t.Name ? "" : $" (or '{old}')")} of shape " +
                        $"[{string.Join(", ", t.Shape)}] is missing.");
                continue;
            }

            used.Add(name);
            var found = _where[name].Find(name)!;
            if (!found.Shape.AsSpan().SequenceEqual(t.Shape))
                problems.Add($"the tensor '{name}' has the shape [{string.Join(", ", found.Shape)}]; the configuration asks for " +
                    $"[{string.Join(", ", t.Shape)}].");
            if (!IsFloating(found.Type))
                problems.Add($"the tensor '{name}' is {SafetensorsTypes.Name(found.Type)}; the model takes F16, BF16, F32 or F64 there, " +
                    "and config.json names no quantization that this would be part of.");
        }

        var ignored = unused.SelectMany(u => new[] { u, names.ToOld(u) }).ToArray();
        foreach (var name in _where.Keys.Order(StringComparer.Ordinal))
        {
            if (used.Contains(name) || Buffers().IsMatch(name)) continue;
            if (ignored.Any(i => i.EndsWith('.') ? name.StartsWith(i, StringComparison.Ordinal) : name == i)) continue;
            problems.Add($"the tensor '{name}' of shape [{string.Join(", ", _where[name].Find(name)!.Shape)}] is not part of this model.");
        }

        if (problems.Count > 0) throw new CheckpointException(_folder, problems);
    }

    /// <summary>Sets how tensors are handed out from here on.</summary>
    public void Configure(ScalarType type, Device device, Action<long>? progress, CancellationToken cancellationToken) =>
        (Type, Device, _progress, _cancellationToken) = (type, device, progress, cancellationToken);

    /// <summary>From here on, dense linear maps that may be are rounded to fewer bits as they are taken, and the head;
    /// null leaves them as they are. Activations meet 4-bit codes in 8 bits where that is asked for and can be.</summary>
    internal void QuantizeWith(QuantizationRule? rule, QuantizationRule? head = null, int activationBits = 16) =>
        (_rule, _headRule, _activationBits) = (rule, head, activationBits);

    /// <summary>The floating type of most bytes in the files.</summary>
    public ScalarType StoredType() => _where
        .Select(w => w.Value.Find(w.Key)!)
        .Where(e => IsFloating(e.Type))
        .GroupBy(e => e.Type)
        .OrderByDescending(g => g.Sum(e => e.Bytes))
        .Select(g => g.Key)
        .DefaultIfEmpty(ScalarType.Float32)
        .First();

    /// <inheritdoc/>
    public Tensor Take(string name, long[] shape) => TakeOptional(name, shape)
        ?? throw new CheckpointException(_folder, [$"the tensor '{name}' is missing."]);

    /// <inheritdoc/>
    public Tensor? TakeOptional(string name, long[] shape) => Load(name) is { } tensor ? Own(tensor) : null;

    /// <inheritdoc/>
    public Tensor[] TakeSplit(string name, long[] shape, Func<Tensor, Tensor[]> split)
    {
        using var whole = Load(name) ?? throw new CheckpointException(_folder, [$"the tensor '{name}' is missing."]);
        return [.. split(whole).Select(Own)];
    }

    /// <inheritdoc/>
    public StoredLinear TakeStored(string name, long outputs, long inputs, bool bias, bool quantizable = false) =>
        IsPlain(name, quantizable)
            ? new StoredLinear(Take(name + ".weight", [outputs, inputs]), bias ? Take(name + ".bias", [outputs]) : null)
            : TakeQuantized(name, outputs, inputs, bias, [[new RowRange(0, outputs)]])[0];

    /// <inheritdoc/>
    public StoredLinear[] TakeStoredParts(
        string name, long outputs, long inputs, bool bias, IReadOnlyList<RowRange[]> parts, bool quantizable = false)
    {
        if (!IsPlain(name, quantizable)) return TakeQuantized(name, outputs, inputs, bias, parts);
        var weights = TakeSplit(name + ".weight", [outputs, inputs], t => [.. parts.Select(p => RowRange.Select(t, p))]);
        var biases = bias ? TakeSplit(name + ".bias", [outputs], t => [.. parts.Select(p => RowRange.Select(t, p))]) : null;
        return [.. parts.Select((_, i) => new StoredLinear(weights[i], biases?[i]))];
    }

    /// <inheritdoc/>
    public StoredLinear TakeHead(Tensor weight)
    {
        if (_headRule is not { } rule || weight.device_type != DeviceType.CPU) return new StoredLinear(weight, null);
        var matrix = Quantizer.Matrix((int)weight.shape[0], (int)weight.shape[1], rule, RowReader.Of(weight), _cancellationToken);
        return new StoredLinear(Own(KernelMatrix.Pack(matrix, null, [], ActivationBits)), null);
    }

    /// <summary>A quantized linear map taken apart, from the files' own codes.</summary>
    /// <exception cref="CheckpointException">The tensors are damaged.</exception>
    internal QuantizedMatrix ReadQuantized(string name, long outputs, long inputs)
    {
        try
        {
            return _quantized[name].Read(Tensors(name), checked((int)outputs), checked((int)inputs));
        }
        catch (InvalidDataException e)
        {
            throw new CheckpointException(_folder, [e.Message], e);
        }
    }

    /// <summary>Names of all tensors in the files.</summary>
    internal IReadOnlyCollection<string> Names => _where.Keys;

    /// <summary>The name that the files have for a canonical one; known to be there.</summary>
    internal string FileName(string canonical) => _names.Resolve(canonical, _where.ContainsKey)!;

    /// <summary>A tensor's entry by the files' name.</summary>
    internal TensorEntry Entry(string name) => _where[name].Find(name)!;

    /// <summary>A tensor in the files' own type; the caller disposes it before this object.</summary>
    internal Tensor Raw(string name) => _where[name].Read(name);

    /// <summary>Writes a tensor's bytes as they are stored.</summary>
    internal void CopyTo(string name, Stream target) => _where[name].CopyTo(name, target);

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        foreach (var t in _owned) t.Dispose();
        _owned.Clear();
        // They stay in the list: somebody may be looking through it.
        foreach (var f in _files) f.Dispose();
        _where.Clear();
    }

    // Buffers that older versions saved; recomputed here.
    [GeneratedRegex(@"(\.position_ids|\.rotary_emb\.inv_freq)$")]
    private static partial Regex Buffers();

    private static bool IsFloating(ScalarType type) =>
        type is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64;

    private Tensor? Load(string canonical)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        if (_names.Resolve(canonical, _where.ContainsKey) is not { } name) return null;
        var file = _where[name];
        var tensor = file.Read(name, Type, Device);
        _progress?.Invoke(file.Find(name)!.Bytes);
        return tensor;
    }

    private LinearTensors Tensors(string module) =>
        new(module, canonical => _names.Resolve(canonical, _where.ContainsKey) is { } name ? (_where[name], name) : null);

    // What is quantized is told by the tensors. Zero biases that the model does not have are some writers' habit.
    private bool CheckQuantized(ExpectedTensor expected, HashSet<string> used, List<string> problems)
    {
        if (_formats.Count == 0) return false;
        var module = expected.Name[..^".weight".Length];
        var tensors = Tensors(module);
        var (outputs, inputs) = ((int)expected.Shape[0], (int)expected.Shape[1]);
        if (QuantizationConfig.FormatOf(_formats, tensors, outputs, inputs) is not { } format) return false;
        format.Check(tensors, outputs, inputs, problems);
        _quantized[module] = format;
        foreach (var ending in format.Endings.Append("bias"))
        {
            if (tensors.Find(ending) is { } entry) used.Add(entry.Name);
        }

        return true;
    }

    private int ActivationBits => Type == ScalarType.Float32 ? 32 : _activationBits;

    private bool IsPlain(string name, bool quantizable) => !_quantized.ContainsKey(name) && !(quantizable && _rule is not null);

    private StoredLinear[] TakeQuantized(string name, long outputs, long inputs, bool bias, IReadOnlyList<RowRange[]> parts)
    {
        var (from, matrix) = (_quantized.ContainsKey(name), default(QuantizedMatrix));
        _cancellationToken.ThrowIfCancellationRequested();
        if (from)
        {
            CheckNoBias(name, bias);
            matrix = ReadQuantized(name, outputs, inputs);
            _progress?.Invoke(_quantized[name].Endings.Sum(e => Tensors(name).Find(e)?.Bytes ?? 0));
        }
        else
        {
            using var whole = LoadStored(name + ".weight");
            using var rows = whole.contiguous();
            matrix = Quantizer.Matrix(checked((int)outputs), checked((int)inputs), _rule!.Value, RowReader.Of(rows), _cancellationToken);
        }

        using var biases = bias ? Load(name + ".bias") : null;
        var result = new StoredLinear[parts.Count];
        for (var i = 0; i < parts.Count; i++)
        {
            int[] selected = [.. parts[i].SelectMany(p => Enumerable.Range((int)p.Start, (int)p.Length))];
            var own = biases is null ? null : Own(RowRange.Select(biases, parts[i]));
            result[i] = Device.type == DeviceType.CPU && KernelMatrix.CanPack(matrix)
                ? new StoredLinear(Own(KernelMatrix.Pack(matrix, selected, Floats(own), ActivationBits)), own)
                : new StoredLinear(Own(Dense(matrix, selected)), own);
        }

        return result;
    }

    // Other devices, and groups that the kernels do not know: the exact product rounded once to the model's type.
    private Tensor Dense(QuantizedMatrix matrix, int[] rows)
    {
        using var dense = empty([rows.Length, matrix.Inputs], ScalarType.Float32);
        var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(dense.bytes);
        for (var i = 0; i < rows.Length; i++) matrix.Row(rows[i], values.Slice(i * matrix.Inputs, matrix.Inputs));
        return dense.to(Type, Device, copy: true);
    }

    private void CheckNoBias(string name, bool bias)
    {
        if (bias || _names.Resolve(name + ".bias", _where.ContainsKey) is not { } extra) return;
        using var values = _where[extra].Read(extra, ScalarType.Float32);
        using var any = values.count_nonzero();
        if (any.item<long>() > 0)
            throw new CheckpointException(
                _folder, [$"the tensor '{extra}' holds biases that the model does not have and that are not zero."]);
    }

    private static float[] Floats(Tensor? bias)
    {
        if (bias is null) return [];
        using var host = bias.to(ScalarType.Float32, CPU);
        return [.. host.data<float>()];
    }

    private Tensor LoadStored(string canonical)
    {
        var name = _names.Resolve(canonical, _where.ContainsKey)
            ?? throw new CheckpointException(_folder, [$"the tensor '{canonical}' is missing."]);
        _progress?.Invoke(_where[name].Find(name)!.Bytes);
        return _where[name].Read(name);
    }

    private KernelMatrix Own(KernelMatrix matrix)
    {
        _owned.Add(matrix);
        Bytes += matrix.Bytes;
        return matrix;
    }

    private Tensor Own(Tensor tensor)
    {
        var kept = tensor.DetachFromDisposeScope();
        _owned.Add(kept);
        Bytes += kept.numel() * kept.element_size();
        return kept;
    }
}
