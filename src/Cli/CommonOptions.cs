using System.CommandLine;
using System.CommandLine.Completions;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints.Hub;

namespace D2Pruner.AI.Cli;

/// <summary>Options that several commands have; every command gets its own instance.</summary>
internal static class CommonOptions
{
    public static Option<string> Model()
    {
        var option = new Option<string>(
            "--model", "-m") { Description = "Model folder, or a Hub id (owner/name) in the local Hugging Face cache; 'd2pruner pull' " +
            "fetches one.", Required = true };
        option.CompletionSources.Add(_ => ModelHub.List().Where(m => m.Complete).Select(m => new CompletionItem(m.Repository)));
        return option;
    }

    public static Option<string> Device()
    {
        var option = new Option<string>("--device") { Description = "auto, cpu, cuda or cuda:N.", DefaultValueFactory = _ => "auto" };
        option.CompletionSources.Add("auto", "cpu", "cuda", "cuda:0");
        return option;
    }

    public static Option<ModelPrecision> Precision() =>
        new("--precision") { Description = "Auto, Float32, Float16 or BFloat16.", DefaultValueFactory = _ => ModelPrecision.Auto };

    public static Option<int> MaxTokens() =>
        new("--max-tokens") { Description = "Longest answer in tokens.", DefaultValueFactory = _ => 256 };

    public static Option<bool> Pull() =>
        new("--pull") { Description = "Fetch the model from the Hub first where it is an id that the cache does not hold." };

    public static Option<ModelQuantization> Quantization() =>
        new("--quantization") { Description = "Round the decoder's weights while they load: None, Int8 or Int4.",
            DefaultValueFactory = _ => ModelQuantization.None };

    public static Option<bool> QuantizeHead() =>
        new("--quantize-head") { Description = "The head in 8 bits too: faster answers from small models, at some more memory." };

    public static Option<int> ActivationBits() =>
        new("--activation-bits") { Description = "Bits of activations that meet 4-bit weights in groups of 128 while an answer is " +
            "written: 16, or 8 (faster).", DefaultValueFactory = _ => 16 };

    public static Option<bool> NoMemoryCheck() =>
        new("--no-memory-check") { Description = "Load the model even if it seems not to fit the free memory." };
}
