using System.Runtime.InteropServices;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Cli;

/// <summary>
/// Where the tool takes libtorch from: beside itself, else the folder named in D2PRUNER_LIBTORCH, else what <c>doctor
/// --install-libtorch</c> fetched, else the machine's NuGet packages. The tool's own package does not contain it: it is half a gigabyte.
/// </summary>
internal static class LibtorchLocator
{
    /// <summary>The version of libtorch that TorchSharp was built with.</summary>
    public const string Version = "2.10.0";

    /// <summary>This machine's package of libtorch, or null where there is none.</summary>
    public static string? PackageId => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 when OperatingSystem.IsLinux() => "libtorch-cpu-linux-x64",
        Architecture.X64 when OperatingSystem.IsWindows() => "libtorch-cpu-win-x64",
        Architecture.Arm64 when OperatingSystem.IsMacOS() => "libtorch-cpu-osx-arm64",
        _ => null,
    };

    /// <summary>Where <c>doctor --install-libtorch</c> puts packages.</summary>
    public static string InstallFolder =>
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
            "d2pruner", "libtorch");

    /// <summary>The folder that <see cref="Use"/> chose, or null.</summary>
    public static string? Used { get; private set; }

    /// <summary>Tells the runtime about libtorch unless it is beside the tool or named by the user. To be
    /// called before anything computes.</summary>
    public static void Use()
    {
        if (Used is not null || Environment.GetEnvironmentVariable(TorchEnvironment.FolderVariable) is { Length: > 0 }
            || TorchEnvironment.Beside() is not null || Find() is not { } folder) return;
        TorchEnvironment.UseLibtorch(folder);
        Used = folder;
    }

    /// <summary>The first folder that holds libtorch.</summary>
    public static string? Find() => PackageId is null ? null
        : new[] { InstallFolder, NuGetPackages }.Where(IsWhole).Select(Libraries).FirstOrDefault();

    /// <summary>Whether a folder of packages holds libtorch, unpacked to the end: NuGet writes a package's metadata last.</summary>
    public static bool IsWhole(string packages) =>
        File.Exists(Path.Combine(Libraries(packages), TorchEnvironment.FileName("torch_cpu")))
            && File.Exists(Path.Combine(packages, PackageId!, Version, ".nupkg.metadata"));

    /// <summary>The folder with the libraries below a folder of packages.</summary>
    public static string Libraries(string packages) =>
        Path.Combine(packages, PackageId!, Version, "runtimes", PackageId!["libtorch-cpu-".Length..], "native");

    private static string NuGetPackages => Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } folder
        ? folder
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
}
