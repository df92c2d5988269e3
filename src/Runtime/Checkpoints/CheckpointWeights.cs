using System.Text.RegularExpressions;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>The tensors of a checkpoint, over all its files, in the type and on the device that the model computes with. Owns everything it hands out.</summary>
public sealed partial class CheckpointWeights : ITensorSource, IDisposable
{
    private readonly string _folder;
    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, SafetensorsFile> _where = new(StringComparer.Ordinal);
    private readonly List<Tensor> _owned = [];
    private TensorNameMap _names = TensorNameMap.Identity;
    private Action<long>? _progress;
    private CancellationToken _cancellationToken;

    private CheckpointWeights(string folder) => _folder = folder;

    /// <summary>Type in which tensors are handed out.</summary>
    public ScalarType Type { get; private set; }

    /// <summary>Device on which tensors are handed out.</summary>
    public Device Device { get; private set; } = CPU;

    /// <summary>Bytes of everything handed out, as computed with.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes of all tensors in the files.</summary>
    public long FileBytes => _where.Sum(w => w.Value.Find(w.Key)!.Bytes);

    /// <summary>Opens the weight files of a folder and reads their headers.</summary>
    /// <exception cref="CheckpointException">Files are missing or damaged.</exception>
    public static CheckpointWeights Open(CheckpointFolder folder)
    {
        var weights = new CheckpointWeights(folder.Path);
        var problems = new List<string>();
        Exception? cause = null;
        foreach (var path in folder.WeightFiles())
        {
            try
            {
                var file = SafetensorsFile.Open(path);
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
            if (names.Resolve(t.Name, _where.ContainsKey) is not { } name)
            {
                var old = names.ToOld(t.Name);
                if (!t.Optional) problems.Add($"the tensor '{t.Name}'{(old == t.Name ? "" : $" (or '{old}')")} of shape [{string.Join(", ", t.Shape)}] is missing.");
                continue;
            }

            used.Add(name);
            var found = _where[name].Find(name)!;
            if (!found.Shape.AsSpan().SequenceEqual(t.Shape))
                problems.Add($"the tensor '{name}' has the shape [{string.Join(", ", found.Shape)}]; the configuration asks for [{string.Join(", ", t.Shape)}].");
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

    /// <summary>The type of most bytes in the files.</summary>
    public ScalarType StoredType() => _where
        .Select(w => w.Value.Find(w.Key)!)
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
    public void Dispose()
    {
        foreach (var t in _owned) t.Dispose();
        _owned.Clear();
        foreach (var f in _files) f.Dispose();
        _files.Clear();
        _where.Clear();
    }

    // Buffers that older versions saved; recomputed here.
    [GeneratedRegex(@"(\.position_ids|\.rotary_emb\.inv_freq)$")]
    private static partial Regex Buffers();

    private Tensor? Load(string canonical)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        if (_names.Resolve(canonical, _where.ContainsKey) is not { } name) return null;
        var file = _where[name];
        var tensor = file.Read(name, Type, Device);
        _progress?.Invoke(file.Find(name)!.Bytes);
        return tensor;
    }

    private Tensor Own(Tensor tensor)
    {
        var kept = tensor.DetachFromDisposeScope();
        _owned.Add(kept);
        Bytes += kept.numel() * kept.element_size();
        return kept;
    }
}
