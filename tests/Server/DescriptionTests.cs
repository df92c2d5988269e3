using System.Text.Json;
using D2Pruner.AI.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>The description says what is there, no more and no less.</summary>
public sealed class DescriptionTests
{
    [Fact]
    public async Task Paths_AreTheRoutes()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), inMemory: true);
        var paths = JsonDocument.Parse(await server.Http.GetStringAsync("openapi/v1.json")).RootElement.GetProperty("paths");
        var routes = server.App.Services.GetServices<EndpointDataSource>().SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
            .Select(e => "/" + e.RoutePattern.RawText!.Trim('/').Replace("{**id}", "{id}", StringComparison.Ordinal))
            .Where(r => r is not ("/v1/{**rest}" or "/studio/{**name}")).Order(StringComparer.Ordinal).Distinct();
        Assert.Equal(routes, paths.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task PruningFields_AreTheReaders()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), inMemory: true);
        var fields = JsonDocument.Parse(await server.Http.GetStringAsync("openapi/v1.json")).RootElement.GetProperty("components")
            .GetProperty("schemas").GetProperty("PruningSettings").GetProperty("properties");
        Assert.Equal(PruningReader.Known.Order(StringComparer.Ordinal),
            fields.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task References_Lead_Somewhere()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), inMemory: true);
        var root = JsonDocument.Parse(await server.Http.GetStringAsync("openapi/v1.json")).RootElement;
        var references = new List<string>();
        Walk(root);
        Assert.NotEmpty(references);
        foreach (var reference in references)
        {
            var at = root;
            foreach (var name in reference.Split('/').Skip(1)) Assert.True(at.TryGetProperty(name, out at), reference);
        }

        void Walk(JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Array) foreach (var item in element.EnumerateArray()) Walk(item);
            if (element.ValueKind != JsonValueKind.Object) return;
            foreach (var property in element.EnumerateObject())
            {
                if (property.Name == "$ref") references.Add(property.Value.GetString()!);
                else Walk(property.Value);
            }
        }
    }
}
