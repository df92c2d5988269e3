using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace D2Pruner.AI.Samples.McpServer;

/// <summary>What a host does with the server: lists what it offers, calls a tool, gets an image back.</summary>
internal static class Demo
{
    public static async Task RunAsync(Uri address)
    {
        await using var transport = new HttpClientTransport(new HttpClientTransportOptions { Endpoint = address,
            TransportMode = HttpTransportMode.StreamableHttp });
        await using var client = await McpClient.CreateAsync(transport);
        Console.WriteLine($"connected to {client.ServerInfo?.Name}, protocol {client.NegotiatedProtocolVersion}");
        Console.WriteLine($"tools: {string.Join(", ", (await client.ListToolsAsync()).Select(t => t.Name).Order())}");
        foreach (var resource in await client.ListResourcesAsync()) Console.WriteLine($"resource: {resource.Uri}");

        await CallAsync(client, "ask_image", ("image", "shapes.png"), ("question", "What colour is the circle?"));
        await CallAsync(client, "locate_objects", ("image", "shapes.png"), ("objects", "the blue square"));
        await CallAsync(client, "ask_image", ("image", "../secret.png"), ("question", "What is it?"));
    }

    private static async Task CallAsync(McpClient client, string tool, params (string Name, object? Value)[] arguments)
    {
        Console.WriteLine($"-> {tool}({string.Join(", ", arguments.Select(a => $"{a.Name}: {a.Value}"))})");
        var result = await client.CallToolAsync(tool, arguments.ToDictionary(a => a.Name, a => a.Value));
        foreach (var content in result.Content)
        {
            Console.WriteLine(content switch
            {
                TextContentBlock text => $"<- {(result.IsError == true ? "error " : "")}{text.Text}",
                ImageContentBlock image => $"<- an image, {image.MimeType}, {image.DecodedData.Length} bytes",
                _ => $"<- {content.Type}",
            });
        }
    }
}
