using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Native;
using TorchSharp;

namespace D2Pruner.AI.Runtime;

/// <summary>What TorchSharp found on this machine.</summary>
/// <param name="OperatingSystem">Name and version.</param>
/// <param name="Architecture">Process architecture.</param>
/// <param name="TorchSharpVersion">Version of the managed library.</param>
/// <param name="LibtorchVersion">Version of libtorch, or null when it does not load.</param>
/// <param name="CudaDevices">Number of usable CUDA devices.</param>
/// <param name="Threads">Math threads, or 0 when libtorch does not load.</param>
/// <param name="NativeFolder">Folder given to <see cref="TorchEnvironment.UseLibtorch"/>, or null for normal probing.</param>
/// <param name="Problem">What is wrong and what to do, or null.</param>
public sealed record TorchEnvironmentReport(
    string OperatingSystem,
    string Architecture,
    string TorchSharpVersion,
    string? LibtorchVersion,
    int CudaDevices,
    int Threads,
    string? NativeFolder,
    string? Problem)
{
    /// <summary>Whether models can be loaded.</summary>
    public bool IsUsable => Problem is null;
}

/// <summary>Finds and loads libtorch.</summary>
public static class TorchEnvironment
{
    /// <summary>Environment variable that names a folder with libtorch's libraries, as <see cref="UseLibtorch"/> does.</summary>
    public const string FolderVariable = "D2PRUNER_LIBTORCH";

    private const string RequiredLibtorch = "2.10";
    private static readonly Lock Gate = new();
    private static string? _folder;
    private static string? _problem;
    private static bool _tried;

    /// <summary>Says what was found; loads libtorch if it was not loaded yet. Never throws.</summary>
    public static TorchEnvironmentReport Probe()
    {
        var problem = TryLoad();
        return new TorchEnvironmentReport(
            RuntimeInformation.OSDescription,
            RuntimeInformation.ProcessArchitecture.ToString(),
            typeof(torch).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
            problem is null ? torch.__version__ : null,
            problem is null && torch.cuda.is_available() ? torch.cuda.device_count() : 0,
            problem is null ? torch.get_num_threads() : 0,
            _folder,
            problem);
    }

    /// <summary>Loads libtorch.</summary>
    /// <exception cref="TorchUnavailableException">It does not load; the message says what to install.</exception>
    public static void EnsureLoaded()
    {
        if (TryLoad() is { } problem) throw new TorchUnavailableException(problem);
    }

    /// <summary>Takes libtorch from a folder, e.g. <c>torch/lib</c> of an installed PyTorch 2.10. Call it before
    /// anything else of this library.</summary>
    /// <param name="folder">Folder that holds libtorch_cpu (and libtorch_cuda).</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="TorchUnavailableException">The folder holds no libtorch, or one of another version; or the application brings its
    /// own.</exception>
    /// <exception cref="InvalidOperationException">libtorch is already loaded.</exception>
    public static void UseLibtorch(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder '{folder}'.");
        if (!File.Exists(Path.Combine(folder, FileName("torch_cpu"))))
            throw new TorchUnavailableException(
                $"'{folder}' has no {FileName("torch_cpu")}. Give the folder that holds libtorch's libraries (torch/lib of a PyTorch " +
                $"{RequiredLibtorch} installation).");
        foreach (var version in new[] { Path.Combine(folder, "..", "build-version"), Path.Combine(folder, "..", "version.py") })
        {
            if (File.Exists(version) && RegularFile.ReadAllText(version) is var text
                && !text.Contains(RequiredLibtorch, StringComparison.Ordinal))
                throw new TorchUnavailableException(
                    $"The libtorch in '{folder}' is not {RequiredLibtorch}.x ({version} says: {text.Split('\n')[0].Trim()}). Install " +
                    $"PyTorch {RequiredLibtorch}.");
        }

        lock (Gate)
        {
            if (_tried) throw new InvalidOperationException("libtorch is already loaded; call UseLibtorch before anything else.");
            // TorchSharp takes the application's own all the same, and two of them end the process.
            if (Beside() is { } own && Target(own) != Target(Path.Combine(folder, FileName("torch_cpu"))))
                throw new TorchUnavailableException(
                    $"libtorch lies beside the application ('{own}'), and a process holds one: '{folder}' cannot be used too. Build the " +
                    $"application without libtorch's package to use that folder, or do not name it ({FolderVariable}, UseLibtorch).");
            _folder = Path.GetFullPath(folder);
            AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) =>
                NativeLibrary.TryLoad(Path.Combine(_folder, FileName(name)), out var handle) ? handle : 0;
        }
    }

    /// <summary>libtorch_cpu among the application's own files, or null.</summary>
    internal static string? Beside() =>
        ((AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string) ?? "").Split(Path.PathSeparator).Append(AppContext.BaseDirectory)
            .Where(f => f.Length > 0).Select(f => Path.Combine(f, FileName("torch_cpu"))).FirstOrDefault(File.Exists);

    private static string Target(string file) => File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(file);

    private static string? TryLoad()
    {
        lock (Gate)
        {
            if (_tried) return _problem;
            if (_folder is null && Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder)
            {
                try
                {
                    UseLibtorch(folder);
                }
                catch (Exception e) when (e is DirectoryNotFoundException or TorchUnavailableException)
                {
                    // Not for good: the application may name a folder of its own.
                    return $"{FolderVariable}: {e.Message}";
                }
            }

            _tried = true;
            QuietWaiting.Apply();
            try
            {
                if (_folder is not null) Preload(_folder);
                torch.InitializeDeviceType(DeviceType.CPU);
            }
            catch (Exception e)
            {
                var cause = e;
                while (cause is TypeInitializationException or TargetInvocationException && cause.InnerException is { } inner)
                    cause = inner;
                _problem = Explain(cause);
            }

            return _problem;
        }
    }

    // libLibTorchSharp lies beside the application and asks the system for libtorch's libraries by bare names. Those that are loaded
    // already answer to their names wherever they came from, so each one is loaded before the ones that need it.
    private static void Preload(string folder)
    {
        foreach (var (name, required) in new[] { ("c10", true), ("torch_cpu", true), ("c10_cuda", false), ("torch_cuda", false),
            ("torch", true) })
        {
            var path = Path.Combine(folder, FileName(name));
            if (required || File.Exists(path)) NativeLibrary.Load(path);
        }
    }

    private static string Explain(Exception cause)
    {
        var system = RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? "win-x64" : RuntimeInformation.IsOSPlatform(OSPlatform.OSX)
            ? "osx-arm64" : "linux-x64";
        return $"libtorch does not load on {RuntimeInformation.OSDescription} ({RuntimeInformation.ProcessArchitecture}): " +
            $"{cause.GetType().Name}: {cause.Message.Split('\n')[0].Trim()}"
            + $" Reference the package libtorch-cpu-{system} 2.10.0 (CPU) or TorchSharp-cuda-linux / TorchSharp-cuda-windows (NVIDIA) " +
            $"from the application, or name a folder with libtorch {RequiredLibtorch} in {FolderVariable}."
            + " On Linux with a libstdc++ older than GLIBCXX_3.4.32 the build step of D2Pruner.AI.Runtime repairs libLibTorchSharp.so; " +
            "it runs in the project that copies the natives (D2PrunerRepairNatives must not be false).";
    }

    /// <summary>File name of a library of libtorch on this system.</summary>
    internal static string FileName(string name) =>
        RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? name + ".dll" : RuntimeInformation.IsOSPlatform(OSPlatform.OSX)
            ? $"lib{name}.dylib" : $"lib{name}.so";
}
