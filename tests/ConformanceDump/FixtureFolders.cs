namespace D2Pruner.AI.Conformance;

/// <summary>What a fixture folder holds, told from its content.</summary>
public enum FixtureKind
{
    Model,
    Selection,
    Images,
    Tokenizers,
    Plans,
}

/// <summary>Finds fixture folders: below the folder that D2PRUNER_FIXTURES names, else the repository's copies.</summary>
public static class FixtureFolders
{
    public const string Variable = "D2PRUNER_FIXTURES";

    /// <summary>The repository's copies: tests/Conformance/Fixtures above the running program.</summary>
    public static string? Copies => Above("tests/Conformance/Fixtures");

    /// <summary>Roots to search for a kind: real vocabularies are not copied, so tokenizers are also looked for beside the repository.</summary>
    public static IEnumerable<string> Roots(FixtureKind kind)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named) return [named];
        string?[] roots = kind == FixtureKind.Tokenizers ? [Copies, Above("shared/conformance")] : [Copies];
        return roots.OfType<string>();
    }

    /// <summary>Folders of a kind: the root itself or any folder directly below it.</summary>
    public static IEnumerable<string> Find(FixtureKind kind) => Roots(kind)
        .Where(Directory.Exists)
        .SelectMany(r => Directory.GetDirectories(r).Prepend(r))
        .Where(f => KindOf(f) == kind)
        .Distinct()
        .Order(StringComparer.Ordinal);

    /// <summary>The kind of a folder, or null.</summary>
    public static FixtureKind? KindOf(string folder)
    {
        bool Has(string name) => File.Exists(Path.Combine(folder, name));
        if (Has("cases.json") && Has("model/config.json")) return FixtureKind.Model;
        if (Has("cases.json") && Has("inputs.safetensors") && !Has("outputs.safetensors")) return FixtureKind.Selection;
        if (Has("resize.json") || Has("decode.json") || Has("processors.json")) return FixtureKind.Images;
        if (Directory.Exists(folder) && Directory.GetDirectories(folder).Any(d => File.Exists(Path.Combine(d, "tokenizer.json")) && File.Exists(d + ".json"))) return FixtureKind.Tokenizers;
        if (Directory.Exists(folder) && Directory.GetFiles(folder, "*.json") is { Length: > 0 } files && files.All(IsPlan)) return FixtureKind.Plans;
        return null;
    }

    private static bool IsPlan(string file)
    {
        using var json = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(file));
        return json.RootElement.ValueKind == System.Text.Json.JsonValueKind.Object && json.RootElement.TryGetProperty("config", out _) && json.RootElement.TryGetProperty("tensors", out _);
    }

    private static string? Above(string relative)
    {
        for (var d = new DirectoryInfo(AppContext.BaseDirectory); d is not null; d = d.Parent)
        {
            var candidate = Path.Combine(d.FullName, relative);
            if (Directory.Exists(candidate)) return candidate;
        }

        return null;
    }
}
