using System.Xml.Linq;
using Xunit;

namespace D2Pruner.AI.Tests.Docs;

/// <summary>The weekly build over newest dependencies knows every dependency of the libraries, and runs on no push.</summary>
public sealed class NewestDependenciesTests
{
    // Natives belong to a version; an analyzer is no dependency.
    private static readonly string[] Pinned =
        ["TorchSharp", "SkiaSharp", "SkiaSharp.NativeAssets.Linux.NoDependencies", "Microsoft.CodeAnalysis.PublicApiAnalyzers"];

    private static readonly string[] Tools = ["Cli", "Evaluation"];

    [Fact]
    public void WhatALibraryDependsOn_Floats()
    {
        var floating = Names("packaging/NewestDependencies.props", "PackageVersion", "Update");
        var needed = TrackedFiles.In("src", ".csproj").Where(f => !Tools.Contains(f.Split('/')[1]))
            .SelectMany(f => Names(f, "PackageReference", "Include")).Distinct().Except(Pinned).ToList();
        Assert.Contains("Microsoft.Extensions.AI", needed);
        Assert.Empty(needed.Except(floating));
        // A name that is nowhere else would float nothing.
        Assert.Empty(floating.Except(Names("Directory.Packages.props", "PackageVersion", "Include")));
    }

    [Fact]
    public void OnePropertySwitchesIt_AndNoPushDoes()
    {
        var import = XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props")).Descendants("Import").Single();
        Assert.Equal(("packaging/NewestDependencies.props", "'$(NewestDependencies)' == 'true'"),
            (import.Attribute("Project")!.Value, import.Attribute("Condition")!.Value));
        var workflow = File.ReadAllText(Path.Combine(Repository.Root, ".github", "workflows", "newest.yml"));
        Assert.Contains("NewestDependencies: 'true'", workflow, StringComparison.Ordinal);
        Assert.Contains("schedule:", workflow, StringComparison.Ordinal);
        foreach (var trigger in new[] { "push:", "pull_request:" }) Assert.DoesNotContain(trigger, workflow, StringComparison.Ordinal);
    }

    private static List<string> Names(string path, string element, string attribute) =>
        [.. XDocument.Load(Path.Combine(Repository.Root, path)).Descendants(element).Attributes(attribute).Select(a => a.Value)];
}
