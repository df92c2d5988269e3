namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>All methods that only an evaluation can run.</summary>
internal static class RivalCatalog
{
    private static readonly Dictionary<string, Rival> ByName = new(StringComparer.OrdinalIgnoreCase);

    static RivalCatalog()
    {
        All = [ToMeRival.Description, FitPruneRival.Description, .. PruMergeRival.All, .. SparseVlmRival.All, VisionZipRival.Description,
            CdPrunerRival.Description, GlobalCom2Rival.Description, DartRival.Description, PyramidDropRival.Description,
            .. OfficialInputs.All];
        foreach (var rival in All) ByName[rival.Name] = rival;
    }

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Rival> All { get; }

    /// <summary>The rival of this name, or null.</summary>
    public static Rival? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The name of a method's published form; null where it is the method itself, or there is none.</summary>
    public static string? OfficialOf(string method) => Find($"{method}:{Rival.Official}")?.Name;
}
