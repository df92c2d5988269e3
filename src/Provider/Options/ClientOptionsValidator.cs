using Microsoft.Extensions.Options;

namespace D2Pruner.AI;

/// <summary>Validates client options at start; the message names the client.</summary>
internal sealed class ClientOptionsValidator : IValidateOptions<D2PrunerChatClientOptions>
{
    public ValidateOptionsResult Validate(string? name, D2PrunerChatClientOptions options)
    {
        var problems = ClientOptionsRules.Check(options).Select(p => string.IsNullOrEmpty(name) ? p : $"{name}: {p}").ToList();
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
}
