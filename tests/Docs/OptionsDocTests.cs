using System.Reflection;
using D2Pruner.AI.Runtime.Checkpoints.Hub;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace D2Pruner.AI.Tests.Docs;

/// <summary>Every public option stands in docs/options.md by its name.</summary>
public sealed class OptionsDocTests
{
    private static readonly string[] Libraries =
        ["D2Pruner.AI", "D2Pruner.AI.Runtime", "D2Pruner.AI.SemanticKernel", "D2Pruner.AI.Agents", "D2Pruner.AI.Mcp", "D2Pruner.AI.Server",
            "D2Pruner.AI.Orleans"];

    public static TheoryData<string> Types() => [.. Options().Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Types))]
    public void EveryOption_IsDocumented(string type)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "options.md"));
        // Under the type's own heading, so that a name shared by two types does not hide a gap.
        var at = text.IndexOf($"\n## `{type}`", StringComparison.Ordinal);
        Assert.True(at >= 0, $"docs/options.md has no heading '## `{type}`'.");
        var end = text.IndexOf("\n## ", at + 1, StringComparison.Ordinal);
        var section = text[at..(end < 0 ? text.Length : end)];
        var missing = Settable(Options().Single(t => t.Name == type)).SelectMany(Names)
            .Where(n => !section.Contains($"`{n}`", StringComparison.Ordinal));
        Assert.True(!missing.Any(), $"docs/options.md says nothing of {type}: {string.Join(", ", missing)}");
    }

    [Fact]
    public void Hub_IsAmongThem() => Assert.Contains(typeof(HubOptions), Options());

    private static IEnumerable<Type> Options() =>
        Libraries.Where(l => File.Exists(Path.Combine(AppContext.BaseDirectory, l + ".dll")))
        .SelectMany(l => Assembly.Load(l).GetExportedTypes())
        .Where(t => t is { IsClass: true, IsAbstract: false }
            && (t.Name.EndsWith("Options", StringComparison.Ordinal) || t.Name == nameof(VisionGenerationSettings)) && Settable(t).Any());

    // Configuration may know an option by another name, and then by that only.
    private static IEnumerable<string> Names(PropertyInfo option) =>
        option.GetCustomAttribute<ConfigurationKeyNameAttribute>() is { } key ? [option.Name, key.Name] : [option.Name];

    // What is fixed at creation (init) is a record of settings, not an option that a user binds.
    private static IEnumerable<PropertyInfo> Settable(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(p => p.SetMethod is { IsPublic: true } set
            && !set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(System.Runtime.CompilerServices.IsExternalInit)));
}
