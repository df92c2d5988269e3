using D2Pruner.AI.Pruning;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI;

/// <summary>What the annotations cannot say: rules across fields. The message names the client.</summary>
internal sealed class ClientOptionsValidator(PrunerRegistry pruners) : IValidateOptions<D2PrunerChatClientOptions>
{
    public ValidateOptionsResult Validate(string? name, D2PrunerChatClientOptions options)
    {
        // Null members, bad numbers and such are reported by the generated validator; each problem is said once.
        if (options.Pruning is null || new ClientOptionsAnnotations().Validate(name, options).Failed) return ValidateOptionsResult.Skip;
        var problems = ClientOptionsRules.Check(options, pruners).Select(p => string.IsNullOrEmpty(name) ? p : $"{name}: {p}").ToList();
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
}
