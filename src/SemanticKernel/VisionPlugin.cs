using System.Diagnostics.CodeAnalysis;
using D2Pruner.AI;
using Microsoft.Extensions.AI;

namespace Microsoft.SemanticKernel;

/// <summary>
/// <see cref="VisionTools"/> as a plugin of a kernel: lets a chat model that calls functions look at images through a vision-language
/// model. Every function answers with short JSON, also after a failure, so that the caller can correct itself. Safe for concurrent use.
/// </summary>
public sealed class VisionPlugin : KernelPlugin
{
    private readonly Dictionary<string, KernelFunction> functions;

    /// <summary>Creates the plugin over tools.</summary>
    /// <param name="tools">The tools.</param>
    public VisionPlugin(VisionTools tools)
        : base("Vision", "Looks at images.")
    {
        ArgumentNullException.ThrowIfNull(tools);
#pragma warning disable SKEXP0001 // Experimental conversion: used, never exposed.
        functions = tools.Functions.ToDictionary(f => f.Name, f => f.AsKernelFunction().Clone(Name), StringComparer.OrdinalIgnoreCase);
#pragma warning restore SKEXP0001
    }

    /// <summary>Creates the plugin over a client.</summary>
    /// <param name="client">The client that looks at images; borrowed.</param>
    /// <param name="images">The images it may look at.</param>
    /// <param name="options">Prompts and limits, copied; null takes the defaults.</param>
    /// <exception cref="System.ComponentModel.DataAnnotations.ValidationException">The options are invalid.</exception>
    public VisionPlugin(IChatClient client, VisionImages images, VisionToolOptions? options = null)
        : this(new VisionTools(client, images, options))
    {
    }

    /// <inheritdoc />
    public override int FunctionCount => functions.Count;

    /// <inheritdoc />
    public override bool TryGetFunction(string name, [NotNullWhen(true)] out KernelFunction? function) =>
        functions.TryGetValue(name, out function);

    /// <inheritdoc />
    public override IEnumerator<KernelFunction> GetEnumerator() => functions.Values.GetEnumerator();
}
