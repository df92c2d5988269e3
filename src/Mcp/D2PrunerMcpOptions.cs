using System.ComponentModel.DataAnnotations;

namespace D2Pruner.AI;

/// <summary>Settings of the MCP server.</summary>
public sealed class D2PrunerMcpOptions
{
    /// <summary>Whether a result with boxes carries the image with the boxes drawn on it; default true.</summary>
    public bool IncludeOverlay { get; set; } = true;

    /// <summary>Most images that are listed as resources; default 1,000. The rest can be read all the same.</summary>
    [Range(1, 100_000)]
    public int MaxListedImages { get; set; } = 1000;

    /// <summary>Resources on one page of the list; default 100.</summary>
    [Range(1, 10_000)]
    public int PageSize { get; set; } = 100;

    /// <summary>
    /// Origins of web pages (<c>https://app.example.org</c>) that may call over HTTP beside those of this machine. Others are refused, so
    /// that no web page reaches a local server through a name that it points here. Requests without an <c>Origin</c> header do not come
    /// from a web page. <c>*</c> lets every page call.
    /// </summary>
    public IList<string> AllowedOrigins { get; set; } = [];
}
