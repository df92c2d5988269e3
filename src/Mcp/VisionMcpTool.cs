using System.Text.Json;
using D2Pruner.AI.Runtime.Imaging;
using Microsoft.Extensions.AI;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace D2Pruner.AI.Mcp;

/// <summary>A vision tool as MCP offers it: the same name, words and schema, a JSON result, and the image with its boxes.</summary>
internal sealed class VisionMcpTool : McpServerTool
{
    private readonly VisionTools tools;
    private readonly bool includeOverlay;

    public VisionMcpTool(VisionTools tools, AIFunction function, bool includeOverlay)
    {
        (this.tools, this.includeOverlay) = (tools, includeOverlay);
        ProtocolTool = new Tool
        {
            Name = function.Name,
            Description = function.Description,
            InputSchema = function.JsonSchema,
            // It looks at images and changes nothing; the same call answers the same.
            Annotations = new ToolAnnotations { ReadOnlyHint = true, IdempotentHint = true, DestructiveHint = false,
                OpenWorldHint = false },
        };
    }

    public override Tool ProtocolTool { get; }

    public override IReadOnlyList<object> Metadata => [];

    public override async ValueTask<CallToolResult> InvokeAsync(RequestContext<CallToolRequestParams> request,
        CancellationToken cancellationToken = default)
    {
        var arguments = (request.Params?.Arguments ?? new Dictionary<string, JsonElement>())
            .ToDictionary(a => a.Key, a => (object?)a.Value);
        var progress = request.Params?.ProgressToken is { } token ? new McpProgress(request.Server, token, cancellationToken) : null;
        var result = await tools.InvokeAsync(ProtocolTool.Name, arguments, progress, cancellationToken).ConfigureAwait(false);
        // A caller may forget its token with the result.
        if (progress is not null) await progress.Sent.ConfigureAwait(false);

        List<ContentBlock> content = [new TextContentBlock { Text = result.Json }];
        if (Overlay(result) is { } drawn) content.Add(ImageContentBlock.FromBytes(drawn, "image/png"));
        using var json = JsonDocument.Parse(result.Json);
        return new CallToolResult { Content = content, StructuredContent = json.RootElement.Clone(),
            IsError = result.ErrorKind is not null };
    }

    private byte[]? Overlay(VisionToolResult result)
    {
        if (!includeOverlay || result.Regions.Count == 0) return null;
        try
        {
            return BoxOverlay.Draw(result.Image, result.Regions);
        }
        catch (ImageDecodeException)
        {
            // A client of another kind may decode what this library does not; the boxes stand in the text.
            return null;
        }
    }
}
