using Xunit;

namespace D2Pruner.AI.Tests.Docs;

/// <summary>What Directory.Build.props takes for a library: not what a folder above the clone is called.</summary>
public sealed class LibrariesFolderTests
{
    [Theory]
    [InlineData("src/Thing", "true")]
    [InlineData("tests/Thing", "false")]
    public async Task InACloneBelowAFolderCalledSrc_OnlyItsOwnSrcHoldsLibraries(string project, string isPackable)
    {
        using var folder = new TemporaryFolder();
        var clone = Directory.CreateDirectory(folder.File("src/clone")).FullName;
        File.Copy(Path.Combine(Repository.Root, "Directory.Build.props"), Path.Combine(clone, "Directory.Build.props"));
        var file = Path.Combine(Directory.CreateDirectory(Path.Combine(clone, project)).FullName, "Thing.proj");
        File.WriteAllText(file, "<Project><Import Project=\"../../Directory.Build.props\" /></Project>");
        var (code, output, errors) = await BuiltProgram.RunProcessAsync(
            "dotnet", ["msbuild", file, "-getProperty:IsPackable", "-nologo", "-nodeReuse:false"]);
        Assert.True(code == 0, output + errors);
        Assert.Equal(isPackable, output.Trim());
    }
}
