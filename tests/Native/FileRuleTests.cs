using D2Pruner.AI.Runtime.Checkpoints;
using Mono.Cecil;
using Mono.Cecil.Cil;
using Xunit;

namespace D2Pruner.AI.Tests.Native;

/// <summary>The rule of the house, held over compiled code: files are opened through <see cref="RegularFile"/> and
/// <see cref="AtomicFile"/>, so that a pipe or device under a file's name blocks nobody.</summary>
public sealed class FileRuleTests
{
    private static readonly string[] Openers =
        ["Open", "OpenRead", "OpenWrite", "OpenText", "OpenHandle", "Create", "CreateText", "AppendText", "Copy", "CopyTo", "Replace"];

    // Whose business opening is, and those whose paths are their own.
    private static readonly Dictionary<string, string> Allowed = new(StringComparer.Ordinal)
    {
        [nameof(RegularFile)] = "the way to read",
        [nameof(AtomicFile)] = "the way to write",
        ["MachineMemory"] = "the kernel's own files",
        ["MachineFacts"] = "the kernel's own files, and the loaded C++ library",
        ["LibtorchInstaller"] = "writes into a new folder of its own",
    };

    public static TheoryData<string> Libraries { get; } =
    [
        "D2Pruner.AI.Pruning", "D2Pruner.AI.Runtime", "D2Pruner.AI", "D2Pruner.AI.Agents", "D2Pruner.AI.SemanticKernel", "D2Pruner.AI.Mcp",
        "D2Pruner.AI.Server", "D2Pruner.AI.Evaluation", "d2pruner",
    ];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Library_OpensRegularFilesAlone(string library)
    {
        var offences = Offences(Path.Combine(AppContext.BaseDirectory, library + ".dll"));
        Assert.True(offences.Count == 0, string.Join('\n', offences));
    }

    /// <summary>The rule sees each way to open a file, and none where it is kept.</summary>
    [Theory]
    [InlineData(nameof(Breaking.Reads), 1)]
    [InlineData(nameof(Breaking.ReadsLater), 1)]
    [InlineData(nameof(Breaking.Writes), 1)]
    [InlineData(nameof(Breaking.Streams), 1)]
    [InlineData(nameof(Breaking.ReadsText), 1)]
    [InlineData(nameof(Breaking.Copies), 1)]
    [InlineData(nameof(Breaking.Maps), 1)]
    [InlineData(nameof(Breaking.OpensByInfo), 1)]
    [InlineData(nameof(Breaking.HandsOver), 1)]
    [InlineData(nameof(Keeping.ReadsAll), 0)]
    [InlineData(nameof(Keeping.ChecksFirst), 0)]
    [InlineData(nameof(Keeping.ReadsAStream), 0)]
    public void Rule_SeesWhatItShould(string method, int offences)
    {
        var found = Offences(typeof(FileRuleTests).Assembly.Location)
            .Where(o => o.StartsWith(typeof(FileRuleTests).FullName! + "/", StringComparison.Ordinal)
                && (o.Contains($"::{method} ", StringComparison.Ordinal) || o.Contains($"<{method}>", StringComparison.Ordinal))).ToArray();
        Assert.True(offences == found.Length, string.Join('\n', found));
    }

    private static List<string> Offences(string library)
    {
        using var module = ModuleDefinition.ReadModule(library);
        var found = new List<string>();
        foreach (var method in module.GetTypes().SelectMany(t => t.Methods).Where(m => m.HasBody && !IsAllowed(m.DeclaringType)))
        {
            var called = method.Body.Instructions.Select(i => i.Operand).OfType<MethodReference>().ToArray();
            // What is opened for writing is looked at first.
            if (called.Any(m => m.DeclaringType.FullName == typeof(RegularFile).FullName && m.Name == "Check")) continue;
            found.AddRange(called.Where(Opens).Select(m => $"{method.DeclaringType.FullName}::{method.Name} calls {m.FullName}"));
        }

        return found;
    }

    private static bool IsAllowed(TypeReference type) =>
        Allowed.ContainsKey(type.Name) || (type.DeclaringType is { } outer && IsAllowed(outer));

    private static bool Opens(MethodReference method)
    {
        bool TakesAPath() => method.Parameters.Any(p => p.ParameterType.FullName == "System.String");
        return method.DeclaringType.FullName switch
        {
            "System.IO.File" => Openers.Contains(method.Name) || method.Name.StartsWith("Read", StringComparison.Ordinal)
                || method.Name.StartsWith("Write", StringComparison.Ordinal) || method.Name.StartsWith("Append", StringComparison.Ordinal),
            "System.IO.FileInfo" => Openers.Contains(method.Name),
            "System.IO.FileStream" or "System.IO.StreamReader" or "System.IO.StreamWriter" => method.Name == ".ctor" && TakesAPath(),
            "System.IO.MemoryMappedFiles.MemoryMappedFile" => method.Name == "CreateFromFile"
                && method.Parameters[0].ParameterType.FullName == "System.String",
            "SkiaSharp.SKBitmap" or "SkiaSharp.SKImage" or "SkiaSharp.SKCodec" or "SkiaSharp.SKData" or "SkiaSharp.SKFileStream"
                or "SkiaSharp.SKTypeface" =>
                method.Name is "Decode" or "FromEncodedData" or "Create" or "FromFile" or ".ctor" && TakesAPath(),
            _ => false,
        };
    }

    // Never run; only their IL is looked at.
    private static class Breaking
    {
        public static string Reads(string path) => File.ReadAllText(path);

        public static async Task<int> ReadsLater(string path) => (await File.ReadAllBytesAsync(path)).Length;

        public static void Writes(string path) => File.AppendAllText(path, "");

        public static Stream Streams(string path) => new FileStream(path, FileMode.Open);

        public static TextReader ReadsText(string path) => new StreamReader(path);

        public static void Copies(string path) => File.Copy(path, "b");

        public static object Maps(string path) => System.IO.MemoryMappedFiles.MemoryMappedFile.CreateFromFile(path);

        public static Stream OpensByInfo(FileInfo file) => file.OpenRead();

        public static Func<string, string> HandsOver() => File.ReadAllText;
    }

    private static class Keeping
    {
        public static byte[] ReadsAll(string path) => RegularFile.ReadAllBytes(path);

        public static Stream ChecksFirst(string path)
        {
            RegularFile.Check(path);
            return new FileStream(path, FileMode.OpenOrCreate);
        }

        public static TextReader ReadsAStream(Stream stream) => new StreamReader(stream);
    }
}
