using Microsoft.Extensions.Primitives;

namespace D2Pruner.AI.Mcp;

/// <summary>Which web pages may call: none, those of this machine, and those that the operator names.</summary>
internal sealed class OriginRule(IEnumerable<string> allowed)
{
    private readonly HashSet<string> allowed = new(allowed.Select(o => o.TrimEnd('/')), StringComparer.OrdinalIgnoreCase);

    /// <summary>Judges the values of an <c>Origin</c> header.</summary>
    public bool Allows(StringValues header)
    {
        if (header.Count == 0) return true;
        // The request's Host does not count: a name that was pointed at this machine stands in both.
        return header is [{ } origin] && (allowed.Contains("*") || allowed.Contains(origin) || IsOfThisMachine(origin));
    }

    private static bool IsOfThisMachine(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Scheme is ("http" or "https") && uri.IsLoopback;
}
