using System.Text.Json;
using D2Pruner.AI.Evaluation.Data.Sets;
using D2Pruner.AI.Evaluation.Scenes;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Evaluation.Data;

/// <summary>The data sets by name.</summary>
public static class DataSets
{
    /// <summary>Name of the demo model's drawn scenes, which need no files.</summary>
    public const string Demo = "demo";

    private static readonly IDataSetReader[] Readers =
    [
        new GqaReader(), new MmBenchReader(chinese: false), new MmBenchReader(chinese: true), new MmeReader(), new PopeReader(),
            new ScienceQaReader(), new VqaReader(VqaReader.Kind.VqaV2),
        new VqaReader(VqaReader.Kind.TextVqa), new VqaReader(VqaReader.Kind.VizWiz), new Ai2dReader(), new ChartQaReader(),
        new DocVqaReader(), new MmStarReader(), new VqaReader(VqaReader.Kind.OkVqa),
        new CaptionReader(flickr: false), new CaptionReader(flickr: true), new RefCocoReader(""), new RefCocoReader("+"),
        new RefCocoReader("g"),
    ];

    /// <summary>The known names.</summary>
    public static IReadOnlyList<string> Names { get; } = [Demo, .. Readers.Select(r => r.Name)];

    /// <summary>Reads <c>NAME</c> or <c>NAME=PATH</c>.</summary>
    /// <param name="text">The name, and for all but the demo a folder or file in one of the published layouts.</param>
    /// <param name="request">Part, size and wording.</param>
    /// <exception cref="ArgumentException">The name is unknown, needs a path, or has no such part.</exception>
    /// <exception cref="FileNotFoundException">Files or images are missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or no row can be used.</exception>
    public static EvaluationData Load(string text, DataRequest request)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(request);
        var parts = text.Split('=', 2);
        if (parts[0] == Demo) return LoadDemo(request);
        var reader = Find(parts[0]);
        if (parts.Length == 1 || parts[1].Length == 0)
            throw new ArgumentException($"Data set '{parts[0]}' needs its files: --data {parts[0]}=PATH.", nameof(text));
        return reader.Read(parts[1], request);
    }

    /// <summary>The Hub repository that holds a data set; null where it is published elsewhere only.</summary>
    /// <exception cref="ArgumentException">The name is unknown.</exception>
    internal static string? RepositoryOf(string name) => name == Demo ? null : Find(name).Repository;

    /// <summary>Whether a file of a data set's repository is wanted for a part.</summary>
    /// <exception cref="ArgumentException">The name is unknown.</exception>
    internal static bool Wants(string name, string file, string split) => Find(name).Wants(file, split);

    /// <summary>The wording for a model's family, told from its configuration.</summary>
    /// <param name="folder">The model's folder.</param>
    public static PromptStyle StyleOf(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var path = Path.Combine(folder, "config.json");
        if (!File.Exists(path)) return PromptStyle.Llava;
        using var json = JsonDocument.Parse(RegularFile.ReadAllBytes(path));
        var type = json.RootElement.TryGetProperty("model_type", out var t) ? t.GetString() ?? "" : "";
        return type.StartsWith("qwen", StringComparison.Ordinal) ? PromptStyle.Qwen : type.StartsWith("internvl", StringComparison.Ordinal)
            ? PromptStyle.InternVL : PromptStyle.Llava;
    }

    private static IDataSetReader Find(string name) =>
        Array.Find(Readers, r => r.Name == name)
            ?? throw new ArgumentException($"Data set '{name}' is unknown; known data sets: {string.Join(", ", Names)}.", nameof(name));

    private static DemoData LoadDemo(DataRequest request) => request.Split.ToLowerInvariant() switch
    {
        "test" => DemoData.Create(Split.Test, request.Seed, request.Limit),
        "validation" or "val" => DemoData.Create(Split.Validation, request.Seed, request.Limit),
        _ => throw new ArgumentException($"--split is '{request.Split}'; the demo's scenes have test and validation.", nameof(request)),
    };
}
