using System.ComponentModel.DataAnnotations;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI;

/// <summary>Settings of one chat client (configuration section <c>D2Pruner:Clients:{name}</c>). A request may
/// override the pruning settings.</summary>
public sealed class D2PrunerChatClientOptions
{
    /// <summary>Name of a registered model; null takes the model registered as <c>default</c>, or the only one.</summary>
    public string? Model { get; set; }

    /// <summary>Pruning preset of every request that names none; default <see cref="PruningPreset.Auto"/>.</summary>
    [EnumDataType(typeof(PruningPreset))]
    public PruningPreset Preset { get; set; } = PruningPreset.Auto;

    /// <summary>Overrides on top of <see cref="Preset"/>; dropped when a request names a preset of its own.</summary>
    [ValidateObjectMembers]
    public VisualPruningOptions Pruning { get; set; } = new();

    /// <summary>Answer length where a request sets no <c>MaxOutputTokens</c>; at least 1, capped by the context. Default 512.</summary>
    [Range(1, int.MaxValue)]
    public int DefaultMaxOutputTokens { get; set; } = 512;

    /// <summary>Largest image in pixels (width x height, told by its header); default 25 million. All images of a request together
    /// may have four times the default.</summary>
    [Range(1L, long.MaxValue)]
    public long MaxImagePixels { get; set; } = 25_000_000;

    /// <summary>Largest encoded image in bytes; default 64 MiB.</summary>
    [Range(1L, long.MaxValue)]
    public long MaxImageBytes { get; set; } = 64L << 20;

    /// <summary>Images in one request; default 16.</summary>
    [Range(1, 10_000)]
    public int MaxImagesPerRequest { get; set; } = 16;

    /// <summary>True throws <see cref="NotSupportedException"/> for hints that are otherwise ignored with a log entry.</summary>
    public bool StrictOptions { get; set; }

    /// <summary>
    /// What a request takes over from earlier ones with the same beginning; a request overrides it by
    /// <c>d2pruner.reuse</c> (<c>exact</c>, <c>frozen</c>,
    /// <c>off</c>). Default <see cref="PrefixReuse.Exact"/>, which changes no answer.
    /// </summary>
    [EnumDataType(typeof(PrefixReuse))]
    public PrefixReuse PrefixReuse { get; set; }

    /// <summary>Whether boxes are read from answers; null: when the preset in force is <see cref="PruningPreset.Localization"/>.</summary>
    public bool? ParseGroundings { get; set; }

    /// <summary>Whether the prompt says what <c>ChatOptions.ResponseFormat</c> asks for, schema included; default true. The
    /// answer follows it either way.</summary>
    public bool DescribeResponseFormat { get; set; } = true;

    /// <summary>What happens to tools where the model's family has no tool format; default
    /// <see cref="ToolConvention.ModelOnly"/>.</summary>
    [EnumDataType(typeof(ToolConvention))]
    public ToolConvention ToolConvention { get; set; }

    /// <summary>A private copy, so that later changes by the owner do not reach running clients.</summary>
    internal D2PrunerChatClientOptions Copy()
    {
        var copy = (D2PrunerChatClientOptions)MemberwiseClone();
        copy.Pruning = Pruning.Copy();
        return copy;
    }
}
