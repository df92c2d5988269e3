using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>One tensor in the flat parameter vector.</summary>
internal sealed record ParameterSlot(string Name, long[] Shape, int Offset, int Count, string Module)
{
    /// <summary>Matrices decay; biases, norms and tables do not.</summary>
    public bool Decays => Shape.Length >= 2 && !Name.Contains("position_embedding", StringComparison.Ordinal);

    /// <summary>In every file but never applied, so it has no gradient.</summary>
    public bool Unused => Name.Contains("post_layernorm", StringComparison.Ordinal);
}

/// <summary>Where each tensor of the model lies in one flat vector; the dense training heads lie behind the model's own tensors.</summary>
internal sealed class ParameterLayout
{
    public const int DenseOutputs = 89;
    public const string DenseNorm = "dense.norm";
    public const string DenseLinear = "dense.linear";

    private ParameterLayout(IReadOnlyList<ParameterSlot> slots) => Slots = slots;

    public IReadOnlyList<ParameterSlot> Slots { get; }

    public int Size => Slots[^1].Offset + Slots[^1].Count;

    public static ParameterLayout Of(ModelBlueprint blueprint, int visionWidth)
    {
        var slots = new List<ParameterSlot>();
        var offset = 0;
        void Add(string name, long[] shape)
        {
            var count = (int)shape.Aggregate(1L, (a, b) => a * b);
            var module = name.StartsWith("dense.", StringComparison.Ordinal) ? "dense"
                : name.Contains("vision_tower", StringComparison.Ordinal) ? "tower"
                : name.Contains("projector", StringComparison.Ordinal) ? "projector" : "decoder";
            slots.Add(new ParameterSlot(name, shape, offset, count, module));
            offset += (count + 15) / 16 * 16;
        }

        foreach (var t in blueprint.Plan().Tensors) Add(t.Name, t.Shape);
        Add(DenseNorm + ".weight", [visionWidth]);
        Add(DenseNorm + ".bias", [visionWidth]);
        Add(DenseLinear + ".weight", [DenseOutputs, visionWidth]);
        Add(DenseLinear + ".bias", [DenseOutputs]);
        return new ParameterLayout(slots);
    }
}
