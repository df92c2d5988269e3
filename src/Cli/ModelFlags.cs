using System.CommandLine;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Cli;

/// <summary>The flags that say how a model is loaded, the same for every command that loads one, so that messages may advise
/// them.</summary>
internal sealed class ModelFlags
{
    private readonly Option<string> _device = CommonOptions.Device();
    private readonly Option<ModelPrecision> _precision = CommonOptions.Precision();
    private readonly Option<ModelQuantization> _quantization = CommonOptions.Quantization();
    private readonly Option<bool> _quantizeHead = CommonOptions.QuantizeHead();
    private readonly Option<int> _activationBits = CommonOptions.ActivationBits();
    private readonly Option<bool> _pull = CommonOptions.Pull();
    private readonly Option<bool> _noMemoryCheck = CommonOptions.NoMemoryCheck();

    /// <summary>Adds the flags to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _device, _precision, _quantization, _quantizeHead, _activationBits, _pull, _noMemoryCheck })
            command.Options.Add(option);
    }

    /// <summary>Options that load a model as the flags say.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="model">A folder or a Hub id.</param>
    public VisionModelOptions Options(ParseResult parse, string? model)
    {
        var options = new VisionModelOptions { ModelPath = model };
        Set(parse, options);
        return options;
    }

    /// <summary>Puts what the flags say into options.</summary>
    public void Set(ParseResult parse, VisionModelOptions options)
    {
        options.Device = parse.GetValue(_device)!;
        options.Precision = parse.GetValue(_precision);
        options.Quantization = parse.GetValue(_quantization);
        options.QuantizeHead = parse.GetValue(_quantizeHead);
        options.ActivationBits = parse.GetValue(_activationBits);
        options.DownloadIfMissing = parse.GetValue(_pull);
        options.CheckMemory = !parse.GetValue(_noMemoryCheck);
    }

    /// <summary>The model's folder, for commands that look into it before they load it: fetched first where the flags say so. Waits, so
    /// it is for commands that work on a thread of their own.</summary>
    public static string Folder(VisionModelOptions options, CancellationToken cancellationToken) =>
        options.DownloadIfMissing && ModelLocator.IsMissing(options.ModelPath!)
            ? PullCommand.FetchAsync(options.ModelPath!, cancellationToken).GetAwaiter().GetResult().Folder
            : ModelLocator.Resolve(options.ModelPath!);
}
