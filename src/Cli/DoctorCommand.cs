using System.CommandLine;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner doctor</c>: what this machine has, which models fit, and what to do first.</summary>
internal static class DoctorCommand
{
    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object instead (shape: docs/cli.md)." };
    private static readonly Option<bool> Quick =
        new("--quick") { Description = "Leave the probe of three seconds out; no speeds are estimated then." };
    private static readonly Option<string?> Install =
        new("--install-libtorch") { Description = "Fetch libtorch's NuGet package first, into FOLDER or the user's data folder.",
            Arity = ArgumentArity.ZeroOrOne, HelpName = "FOLDER" };

    public static Command Create()
    {
        var command = new Command(
            "doctor", "Looks at this machine: processor, memory, libtorch, GPUs, disk, models; which models fit, how fast they may be, " +
            "and the first commands to run. Ends with 1 when libtorch is not usable.") { Json, Quick, Install };
        command.SetAction((parse, ct) => Failure.Guard(() => Run(parse, ct)));
        return command;
    }

    private static async Task Run(ParseResult parse, CancellationToken cancellationToken)
    {
        string? folder = null;
        if (parse.GetResult(Install) is not null)
        {
            var packages = parse.GetValue(Install);
            folder = await LibtorchInstaller.InstallAsync(
                packages ?? LibtorchLocator.InstallFolder, Console.Error.WriteLine, cancellationToken);
            Console.Error.WriteLine($"libtorch: {folder}");
            if (packages is not null)
                Console.Error.WriteLine($"Set {TorchEnvironment.FolderVariable} to this folder for further commands.");
            // Anything that was found before is left alone: libtorch loads once.
            if (LibtorchLocator.Used is null && Environment.GetEnvironmentVariable(TorchEnvironment.FolderVariable) is null or "")
                TorchEnvironment.UseLibtorch(folder);
        }

        if (!parse.GetValue(Quick)) Console.Error.WriteLine("Measuring this machine for three seconds (--quick leaves that out).");
        var report = await Task.Run(
            () => DoctorReport.Make(LibtorchLocator.Used ?? folder, !parse.GetValue(Quick), cancellationToken), cancellationToken);
        if (parse.GetValue(Json)) Output.Json(report.ToJson());
        else report.Print();
        if (!report.Torch.IsUsable) throw new TorchUnavailableException("libtorch is not usable; see above.");
    }
}
