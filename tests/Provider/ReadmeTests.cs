using System.Diagnostics;
using System.Reflection;
using D2Pruner.AI.Conformance;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>The README's first lines of C#, compiled and run as they stand, over a tiny model in the place they name.</summary>
[Collection(TorchCollection.Name)]
public sealed class ReadmeTests
{
    [Fact]
    public async Task TheNewcomersLines_CompileAndRun()
    {
        using var folder = new TemporaryFolder();
        var readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        var code = readme.Split("```csharp\n")[1].Split("```")[0];
        // The program's arguments: a model and an image.
        const string model = "model-of-the-test";
        File.WriteAllText(folder.File("Program.cs"), code);
        // What ImplicitUsings of a console project brings.
        File.WriteAllText(folder.File("Usings.cs"),
            string.Concat(new[] { "System", "System.IO", "System.Linq", "System.Collections.Generic", "System.Net.Http", "System.Threading",
                "System.Threading.Tasks" }.Select(n => $"global using {n};\n")));
        File.WriteAllBytes(folder.File("photo.jpg"), TinyPng.Bytes);
        var source = folder.Copy(Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"));
        Directory.CreateDirectory(Path.GetDirectoryName(folder.File(model))!);
        Directory.Move(source, folder.File(model) + ".new");
        Directory.Move(folder.File(model) + ".new", folder.File(model));

        var dll = await Compile(folder);
        var (here, console) = (Environment.CurrentDirectory, Console.Out);
        using var output = new StringWriter();
        try
        {
            Environment.CurrentDirectory = folder.Path;
            Console.SetOut(output);
            var main = Assembly.LoadFrom(dll).EntryPoint!;
            // A thread of the pool, as a program's own would be: the lines wait for what they ask.
            await Task.Run(() => main.Invoke(
                null, main.GetParameters().Length == 0 ? [] : [new[] { folder.File(model), folder.File("photo.jpg") }]));
        }
        finally
        {
            Console.SetOut(console);
            Environment.CurrentDirectory = here;
        }

        Assert.Matches(@"\(12 visual tokens kept\)", output.ToString());
    }

    private static async Task<string> Compile(TemporaryFolder folder)
    {
        // The SDK's own compiler, beside the runtime that runs this test.
        var root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", ".."));
        var compiler = Directory.GetFiles(Path.Combine(root, "sdk"), "csc.dll", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal).Last();
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var dll = folder.File("Newcomer.dll");
        await File.WriteAllLinesAsync(folder.File("args.rsp"),
            [$"-out:\"{dll}\"", "-target:exe", "-nullable:enable", "-langversion:latest", "-nologo",
                .. references.Select(r => $"-r:\"{r}\""), $"\"{folder.File("Program.cs")}\"", $"\"{folder.File("Usings.cs")}\""]);
        using var process = Process.Start(
            new ProcessStartInfo(Path.Combine(root, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"),
                ["exec", compiler, "-noconfig", "@" + folder.File("args.rsp")]) { RedirectStandardOutput = true })!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, said);
        return dll;
    }
}
