using System.Text.Json;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>A tool as a function. Progress goes to an <c>IProgress&lt;VisionToolProgress&gt;</c> in the arguments' context.</summary>
internal sealed class VisionFunction(VisionTools tools, VisionToolDefinition definition) : AIFunction
{
    public VisionToolDefinition Definition => definition;

    public override string Name => definition.Name;

    public override string Description => definition.Description;

    public override JsonElement JsonSchema => definition.Schema;

    protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
    {
        var progress = arguments.Context?.TryGetValue(typeof(IProgress<VisionToolProgress>), out var told) == true
            ? told as IProgress<VisionToolProgress> : null;
        return (await tools.InvokeAsync(definition, arguments, progress, cancellationToken).ConfigureAwait(false)).Json;
    }
}
