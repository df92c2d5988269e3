using Microsoft.Extensions.Options;

namespace D2Pruner.AI.Server;

/// <summary>Generated from the annotations.</summary>
[OptionsValidator]
internal sealed partial class ServerOptionsAnnotations : IValidateOptions<D2PrunerServerOptions>;

/// <summary>What the annotations cannot say.</summary>
internal sealed class ServerOptionsValidator : IValidateOptions<D2PrunerServerOptions>
{
    public ValidateOptionsResult Validate(string? name, D2PrunerServerOptions options)
    {
        List<string> problems = [];
        foreach (var origin in options.CorsOrigins)
        {
            if (origin == "*") continue;
            if (!Uri.TryCreate(origin, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")
                || origin.TrimEnd('/') != $"{uri.Scheme}://{uri.Authority}")
                problems.Add($"CorsOrigins holds '{origin}'; expected an origin such as https://app.example.org.");
        }

        if (options.ApiKeys.Any(string.IsNullOrWhiteSpace)) problems.Add("ApiKeys holds a blank key.");
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
}
