namespace D2Pruner.AI.Tests.Orleans.Real;

/// <summary>Where this repository and what it builds lie.</summary>
internal static class BuiltFolders
{
    public static string Root { get; } = Find();

    /// <summary>The worker's program, built as these tests are.</summary>
    public static string OrleansHost
    {
        get
        {
            var built = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
            return Path.Combine(
                Root, "tests", "OrleansHost", "bin", built.Parent!.Name, built.Name, "D2Pruner.AI.Orleans.TestHost.dll");
        }
    }

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "D2Pruner.AI.sln"))) return folder.FullName;
        throw new DirectoryNotFoundException("D2Pruner.AI.sln is not above the tests.");
    }
}
