using System.Text.Json;

namespace D2Pruner.AI.Conformance;

/// <summary>What a fixture folder holds, told from its content.</summary>
internal enum FixtureKind
{
    Model,
    Selection,
    Rivals,
    Images,
    Tokenizers,
    Plans,
    Templates,
    Metrics,
}

/// <summary>Finds fixture folders: below the folder that D2PRUNER_FIXTURES names, else the repository's copies.</summary>
internal static class FixtureFolders
{
    public const string Variable = "D2PRUNER_FIXTURES";

    /// <summary>The repository's copies: tests/Conformance/Fixtures above the running program.</summary>
    public static string? Copies => Above("tests/Conformance/Fixtures");

    /// <summary>Roots to search for a kind: real vocabularies are not copied, so tokenizers are also
    /// looked for beside the repository.</summary>
    /// <exception cref="DirectoryNotFoundException">The variable names a folder that does not exist: better
    /// than silently running nothing.</exception>
    public static IEnumerable<string> Roots(FixtureKind kind)
    {
        string?[] roots = [Named() ?? Copies, kind == FixtureKind.Tokenizers ? Above("shared/conformance") : null];
        return roots.OfType<string>();
    }

    /// <summary>Folders of a kind: a root itself or any folder directly below it; the first root that has any.</summary>
    public static IEnumerable<string> Find(FixtureKind kind) => Roots(kind)
        .Select(root => Directory.GetDirectories(root).Prepend(root).Where(f => KindOf(f) == kind).Order(StringComparer.Ordinal).ToArray())
        .FirstOrDefault(folders => folders.Length > 0) ?? [];

    /// <summary>The kind of a folder, or null.</summary>
    public static FixtureKind? KindOf(string folder)
    {
        if (!Directory.Exists(folder)) return null;
        bool Has(string name) => File.Exists(Path.Combine(folder, name));
        if (Has("cases.json") && Has("model/config.json")) return FixtureKind.Model;
        if (Has("cases.json") && Has("inputs.safetensors"))
            return Root(Path.Combine(folder, "cases.json")) is { ValueKind: JsonValueKind.Array } ? FixtureKind.Rivals
                : IsSelection(Path.Combine(folder, "cases.json")) ? FixtureKind.Selection : null;
        if (Has("resize.json") || Has("decode.json") || Has("processors.json")) return FixtureKind.Images;
        if (TokenizerRunner.Names(folder).Any()) return FixtureKind.Tokenizers;
        if (Directory.GetFiles(folder, "*.json") is not { Length: > 0 } files) return null;
        if (files.All(f => Root(f) is var r && Holds(r, "functions") && Holds(r, "cases"))) return FixtureKind.Metrics;
        if (files.All(f => Root(f) is var r && Holds(r, "config") && Holds(r, "tensors"))) return FixtureKind.Plans;
        return files.All(f => First(Root(f)) is { } c && Holds(c, "messages") && Holds(c, "prompt")) ? FixtureKind.Templates : null;
    }

    // The rival pruners' folder has the same file names, but another format: an array at the root.
    private static bool IsSelection(string file) => Root(file) is var root
        && (First(root) is { } c ? Holds(c, "set") : Holds(root, "budget_splits"));

    private static JsonElement? First(JsonElement root) =>
        Holds(root, "cases") && root.GetProperty("cases") is { ValueKind: JsonValueKind.Array } cases && cases.GetArrayLength() > 0
            ? cases[0] : null;

    private static bool Holds(JsonElement json, string key) => json.ValueKind == JsonValueKind.Object && json.TryGetProperty(key, out _);

    private static JsonElement Root(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(file));
        return json.RootElement.Clone();
    }

    // A relative name is meant from where the user stands or, as a test host's working folder is its
    // output, from a folder above the program.
    private static string? Named()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } named) return null;
        if (Directory.Exists(named)) return Path.GetFullPath(named);
        return Above(named) ?? throw new DirectoryNotFoundException(
            $"{Variable} names '{named}', which is no folder; name a folder of fixture folders, or unset it to use the " +
            "repository's copies.");
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
