using System.Diagnostics;
using System.Security;

namespace D2Pruner.AI.Cli;

/// <summary>
/// Fetches libtorch's own NuGet package by the .NET SDK's restore, so that the machine's package sources, proxies and signatures hold; the
/// SDK is there, since it installed the tool.
/// </summary>
internal static class LibtorchInstaller
{
    // Parts of PyTorch and of its tests that no .NET program loads.
    private static readonly string[] Unneeded =
        ["torch_python", "jitbackend_test", "backend_with_compiler", "nnapi_backend", "torchbind_test", "aoti_custom_ops", "shm"];

    /// <summary>Fetches it unless it is there.</summary>
    /// <param name="packages">Folder for the package.</param>
    /// <param name="tell">Gets what is being done.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The folder with the libraries.</returns>
    /// <exception cref="NotSupportedException">There is no package for this machine.</exception>
    /// <exception cref="IOException">It cannot be fetched; the message holds what NuGet said.</exception>
    public static async Task<string> InstallAsync(string packages, Action<string> tell, CancellationToken cancellationToken)
    {
        var id = LibtorchLocator.PackageId
            ?? throw new NotSupportedException(
                "There is no libtorch package for this system; TorchSharp runs on Linux x64, Windows x64 and macOS arm64.");
        packages = Path.GetFullPath(packages);
        var libraries = LibtorchLocator.Libraries(packages);
        if (LibtorchLocator.IsWhole(packages)) return libraries;
        Directory.CreateDirectory(packages);
        var project = Directory.CreateTempSubdirectory("d2pruner-libtorch-").FullName;
        try
        {
            // Downloads the package without making it anybody's dependency.
            await File.WriteAllTextAsync(Path.Combine(project, "libtorch.csproj"), $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup>
                    <TargetFramework>net10.0</TargetFramework>
                    <RestorePackagesPath>{SecurityElement.Escape(packages)}</RestorePackagesPath>
                  </PropertyGroup>
                  <ItemGroup><PackageDownload Include="{id}" Version="[{LibtorchLocator.Version}]" /></ItemGroup>
                </Project>
                """, cancellationToken);
            await File.WriteAllTextAsync(Path.Combine(project, "Directory.Build.props"), "<Project />", cancellationToken);
            await File.WriteAllTextAsync(Path.Combine(project, "Directory.Packages.props"), "<Project />", cancellationToken);
            tell($"Fetching {id} {LibtorchLocator.Version} (about 130 MB, 500 MB unpacked) from this machine's NuGet sources into " +
                $"{packages}");
            await RestoreAsync(project, tell, cancellationToken);
        }
        finally
        {
            Directory.Delete(project, recursive: true);
        }

        if (!Directory.Exists(libraries)) throw new IOException($"The package {id} was fetched, but holds no '{libraries}'.");
        foreach (var file in Directory.GetFiles(libraries)
            .Where(f => Unneeded.Any(u => Path.GetFileName(f).Contains(u, StringComparison.Ordinal)))) File.Delete(file);
        foreach (var file in Directory.GetFiles(Path.Combine(packages, id, LibtorchLocator.Version), "*.nupkg")) File.Delete(file);
        return libraries;
    }

    private static async Task RestoreAsync(string project, Action<string> tell, CancellationToken cancellationToken)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(
            "dotnet", ["restore", project, "--nologo"]) { RedirectStandardOutput = true, RedirectStandardError = true,
            WorkingDirectory = project } };
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new IOException("'dotnet' was not found. Install the .NET SDK, or get libtorch another way and name its folder in " +
                "D2PRUNER_LIBTORCH.", e);
        }

        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var watch = Stopwatch.StartNew();
        var ended = process.WaitForExitAsync(cancellationToken);
        try
        {
            while (await Task.WhenAny(ended, Task.Delay(TimeSpan.FromSeconds(5), cancellationToken)) != ended)
            {
                cancellationToken.ThrowIfCancellationRequested();
                tell($"still fetching, {watch.Elapsed.TotalSeconds:F0} s");
            }

            await ended;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        if (process.ExitCode == 0) return;
        var said = string.Join(' ',
            $"{await output}\n{await error}".Split('\n').Select(l => l.Trim())
            .Where(l => l.Contains("error", StringComparison.OrdinalIgnoreCase)).Distinct().Take(3));
        throw new IOException($"NuGet could not fetch libtorch: {said} Check this machine's package sources ('dotnet nuget list " +
            "source'), or name a folder with libtorch in D2PRUNER_LIBTORCH.");
    }
}
