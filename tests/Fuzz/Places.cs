namespace D2Pruner.AI.Fuzz;

/// <summary>The repository's small files that inputs are made of.</summary>
internal static class Places
{
    /// <summary>tests/Conformance/Fixtures above the running program.</summary>
    public static string Fixtures { get; } = Above(Path.Combine("tests", "Conformance", "Fixtures"));

    /// <summary>A fixture's model folder.</summary>
    public static string Model(string fixture) => Path.Combine(Fixtures, fixture, "model");

    /// <summary>A new folder in memory where there is such a thing, so that millions of small files wear out no disk.</summary>
    public static string NewFolder()
    {
        var root = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        return Directory.CreateDirectory(Path.Combine(root, $"d2pruner-fuzz-{Environment.ProcessId}-{Guid.NewGuid():N}")).FullName;
    }

    private static string Above(string relative)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, relative);
            if (Directory.Exists(path)) return path;
        }

        throw new DirectoryNotFoundException(
            $"There is no '{relative}' above '{AppContext.BaseDirectory}'; run the program from within the repository.");
    }
}
