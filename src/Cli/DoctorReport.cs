using System.Globalization;
using System.Text.Json.Nodes;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Hub;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Native;
using TorchSharp;

namespace D2Pruner.AI.Cli;

/// <summary>What <c>doctor</c> found; one source for the text and for JSON.</summary>
internal sealed class DoctorReport
{
    public required TorchEnvironmentReport Torch { get; init; }

    public required string? LibtorchFolder { get; init; }

    public required IReadOnlyList<NvidiaDevice> Gpus { get; init; }

    public required long MemoryTotal { get; init; }

    public required long MemoryFree { get; init; }

    public required string CacheFolder { get; init; }

    public required long? DiskFree { get; init; }

    public required IReadOnlyList<CachedModel> Cached { get; init; }

    public required MachineProbe? Probe { get; init; }

    public required IReadOnlyList<DoctorModel> Models { get; init; }

    public static DoctorReport Make(string? libtorchFolder, bool probe, CancellationToken cancellationToken)
    {
        var torch = TorchEnvironment.Probe();
        var gpus = NvidiaDriver.Devices();
        var cuda = torch.CudaDevices > 0 && gpus.Count > 0;
        var (memoryFree, cache) = (MachineMemory.FreeBytes, new HubOptions().CacheFolder);
        var measured = probe ? MachineProbe.Run(torch.IsUsable, cuda, cancellationToken) : null;
        var free = cuda ? gpus[0].FreeBytes : memoryFree;
        return new DoctorReport
        {
            Torch = torch,
            LibtorchFolder = torch.NativeFolder ?? libtorchFolder,
            Gpus = gpus,
            MemoryTotal = MachineMemory.TotalBytes,
            MemoryFree = memoryFree,
            CacheFolder = Path.GetFullPath(cache),
            DiskFree = DiskFreeOf(cache),
            Cached = ModelHub.List(),
            Probe = measured,
            Models = [.. KnownModels.All.Select(m =>
            {
                var bytes = MemoryVerdict.Rough(m);
                return new DoctorModel(m, cuda ? "cuda"
                    : "cpu", bytes, bytes <= free, ModelHub.Find(m.Id) is not null, measured?.TokensPerSecond(m),
                    measured?.PrefillSeconds(m));
            })],
        };
    }

    /// <summary>The first three commands to run here.</summary>
    public IReadOnlyList<string> Next()
    {
        var commands = new List<string>();
        if (!Torch.IsUsable)
            commands.Add(LibtorchLocator.PackageId is null ? "pip install torch==2.10.*   # then set D2PRUNER_LIBTORCH to its torch/lib"
                : "d2pruner doctor --install-libtorch");
        var best = Models.LastOrDefault(m => m is { Fits: true, Cached: true })?.Model.Id
            ?? Cached.FirstOrDefault(c => c.Complete)?.Repository;
        var wanted = best ?? Models.LastOrDefault(m => m.Fits && (m.TokensPerSecond is not { } s || s >= 2))?.Model.Id
            ?? Models.FirstOrDefault(m => m.Fits)?.Model.Id ?? Models[0].Model.Id;
        if (best is null) commands.Add($"d2pruner pull {wanted}");
        commands.Add($"d2pruner inspect {wanted}");
        commands.Add($"d2pruner ask --model {wanted} --image photo.jpg --prompt \"What is in the image?\"");
        commands.Add($"d2pruner chat --model {wanted}");
        return [.. commands.Take(3)];
    }

    public void Print()
    {
        var table = Output.Facts();
        void Row(string name, string value) => table.AddEscaped(name, value);
        Row("system", $"{Torch.OperatingSystem}, {Torch.Architecture}, .NET {Environment.Version}");
        Row("processor", $"{MachineFacts.Processor}, {Environment.ProcessorCount} cores, {string.Join(' ', MachineFacts.Features())}");
        Row("memory", $"{Units.Short(MemoryFree)} free of {Units.Short(MemoryTotal)}");
        Row("C library", $"glibc {MachineFacts.Glibc() ?? "-"}, GLIBCXX {MachineFacts.Glibcxx() ?? "-"}");
        Row("TorchSharp", Torch.TorchSharpVersion);
        Row("libtorch", Torch.LibtorchVersion is { } version
            ? $"{version}, {Torch.Threads} threads{(LibtorchFolder is { } folder ? $", from {folder}" : ", beside the tool")}"
            : "NOT USABLE");
        Row("CUDA", Gpus.Count == 0 ? "no NVIDIA driver"
            : string.Join("; ", Gpus.Select(g => $"{g.Index}: {g.Name}, {Units.Short(g.FreeBytes)} free of {Units.Short(g.TotalBytes)}"))
            + (Torch is { IsUsable: true, CudaDevices: 0 } ? " (this libtorch is a CPU build)" : ""));
        Row("model cache", $"{CacheFolder}, {(DiskFree is { } d ? Units.Short(d) + " free on its disk" : "free space unknown")}");
        Row("models here", Cached.Count == 0 ? "none" : string.Join("; ", Cached.Select(c =>
            $"{c.Repository} ({Units.Short(c.Bytes)}{(c.Complete ? "" : ", incomplete")}{(HasPrior(c) ? ", prior" : ", no prior")})")));
        if (Probe is { } p)
            Row("probe", string.Create(CultureInfo.InvariantCulture,
                $"memory {p.BytesPerSecond / 1e9:F1} GB/s, bfloat16 product " +
                $"{(p.OperationsPerSecond is { } o ? Output.Invariant($"{o / 1e9:F0} GFLOP/s") : "not measured")} on " +
                $"{p.Device} ({p.Seconds:F1} s)"));
        Output.Write(table);
        if (Torch.Problem is { } problem) Console.WriteLine($"libtorch: {problem}");
        var models = Output.Table("model", "16-bit, one image", "fits", "tokens/s (estimate)", "first token (estimate)", "here");
        foreach (var m in Models)
        {
            models.AddEscaped(m.Model.Id, Units.Short(m.Bytes), m.Fits ? $"bfloat16 on {m.Device}" : "no", m.TokensPerSecond is { } t
                ? Output.Invariant($"{t:F1}") : "-",
                m.PrefillSeconds is { } s ? Output.Invariant($"{s:F1} s") : "-", m.Cached ? "yes" : "");
        }

        Output.Write(models);
        Console.WriteLine("Estimates come from the probe above, nothing pruned; pruning shortens the wait for the first token " +
            "(docs/log.md).");
        Console.WriteLine("Next:");
        foreach (var command in Next()) Console.WriteLine($"  {command}");
    }

    public JsonObject ToJson() => new()
    {
        ["machine"] = new JsonObject
        {
            ["os"] = Torch.OperatingSystem,
            ["architecture"] = Torch.Architecture,
            ["dotnet"] = Environment.Version.ToString(),
            ["processor"] = MachineFacts.Processor,
            ["cores"] = Environment.ProcessorCount,
            ["features"] = new JsonArray([.. MachineFacts.Features().Select(f => JsonValue.Create(f))]),
            ["memory_total_bytes"] = MemoryTotal,
            ["memory_free_bytes"] = MemoryFree,
            ["glibc"] = MachineFacts.Glibc(),
            ["glibcxx"] = MachineFacts.Glibcxx(),
        },
        ["libtorch"] = new JsonObject
        {
            ["usable"] = Torch.IsUsable,
            ["version"] = Torch.LibtorchVersion,
            ["torchsharp"] = Torch.TorchSharpVersion,
            ["threads"] = Torch.Threads,
            ["folder"] = LibtorchFolder,
            ["cuda_devices"] = Torch.CudaDevices,
            ["problem"] = Torch.Problem,
        },
        ["gpus"] = new JsonArray(
            [.. Gpus.Select(g => new JsonObject { ["index"] = g.Index, ["name"] = g.Name, ["memory_total_bytes"] = g.TotalBytes,
                ["memory_free_bytes"] = g.FreeBytes })]),
        ["cache"] = new JsonObject
        {
            ["folder"] = CacheFolder,
            ["disk_free_bytes"] = DiskFree,
            ["models"] = new JsonArray(
                [.. Cached.Select(c => new JsonObject { ["id"] = c.Repository, ["commit"] = c.Commit, ["bytes"] = c.Bytes,
                    ["complete"] = c.Complete, ["prior"] = HasPrior(c) })]),
        },
        ["probe"] = Probe is { } p ? new JsonObject
        {
            ["estimate"] = true,
            ["device"] = p.Device,
            ["memory_bytes_per_second"] = Math.Round(p.BytesPerSecond),
            ["bfloat16_operations_per_second"] = p.OperationsPerSecond is { } o ? Math.Round(o) : null,
            ["seconds"] = Math.Round(p.Seconds, 2),
        } : null,
        ["models"] = new JsonArray([.. Models.Select(m => new JsonObject
        {
            ["id"] = m.Model.Id,
            ["fits"] = m.Fits,
            ["device"] = m.Device,
            ["precision"] = "bfloat16",
            ["bytes"] = m.Bytes,
            ["cached"] = m.Cached,
            ["estimate"] = true,
            ["tokens_per_second"] = m.TokensPerSecond is { } t ? Math.Round(t, 2) : null,
            ["first_token_seconds"] = m.PrefillSeconds is { } s ? Math.Round(s, 2) : null,
        })]),
        ["next"] = new JsonArray([.. Next().Select(c => JsonValue.Create(c))]),
    };

    private static bool HasPrior(CachedModel model) =>
        Directory.Exists(model.Folder) && Directory.EnumerateFiles(model.Folder).Any(f => PriorFile.IsName(Path.GetFileName(f)));

    private static long? DiskFreeOf(string folder)
    {
        try
        {
            // The cache may not be there yet; its nearest parent lies on the same disk.
            var at = new DirectoryInfo(Path.GetFullPath(folder));
            while (at is { Exists: false, Parent: not null }) at = at.Parent;
            return new DriveInfo(at.FullName).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
