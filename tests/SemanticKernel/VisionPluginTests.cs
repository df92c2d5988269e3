using System.Text.Json;
using D2Pruner.AI.Tests.Provider;
using Microsoft.SemanticKernel;
using Xunit;

namespace D2Pruner.AI.Tests.SemanticKernel;

/// <summary>The plugin is the tools' one definition in Semantic Kernel's form.</summary>
public sealed class VisionPluginTests
{
    [Fact]
    public void Functions_AreTheTools()
    {
        var tools = new VisionTools(new D2PrunerChatClient(new ScriptedEngine()), new VisionImages());
        var plugin = new VisionPlugin(tools);
        Assert.Equal(tools.Functions.Select(f => f.Name), plugin.Select(f => f.Name));
        Assert.Equal(5, plugin.FunctionCount);
        foreach (var function in plugin)
        {
            var tool = tools.Functions.Single(t => t.Name == function.Name);
            Assert.Equal(("Vision", tool.Description), (function.PluginName, function.Description));
            Assert.Equal(tool.JsonSchema.GetProperty("properties").EnumerateObject().Select(p => p.Name),
                function.Metadata.Parameters.Select(p => p.Name));
            Assert.All(function.Metadata.Parameters, p =>
            {
                Assert.Equal(tool.JsonSchema.GetProperty("properties").GetProperty(p.Name).GetProperty("type").GetString(),
                    p.Schema!.RootElement.GetProperty("type").GetString());
                Assert.Equal(tool.JsonSchema.GetProperty("required").EnumerateArray().Any(r => r.GetString() == p.Name), p.IsRequired);
            });
        }
    }

    [Fact]
    public async Task AFunction_IsInvokedWithKernelArguments()
    {
        var images = new VisionImages();
        images.Add(Pictures.Png(1), "p");
        var kernel = new Kernel();
        kernel.Plugins.Add(new VisionPlugin(new D2PrunerChatClient(new ScriptedEngine()), images));
        var result = await kernel.InvokeAsync("Vision", "read_text", new KernelArguments { ["image"] = "p", ["where"] = "on the sign" });
        using var json = JsonDocument.Parse(result.GetValue<string>()!);
        Assert.Equal("It is a cat.", json.RootElement.GetProperty("text").GetString());
        Assert.True(plugin(kernel).Contains("ask_image"));
        static KernelPlugin plugin(Kernel kernel) => kernel.Plugins["Vision"];
    }
}
